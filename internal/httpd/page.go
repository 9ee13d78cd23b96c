package httpd

import (
	"fmt"
	"net/http"
)

// page is what a browser or curl gets where no console is mounted.
func (h *handler) page(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		w.Header().Set("Allow", "GET, HEAD")
		http.Error(w, "Only GET is answered here. API calls are POST requests to /.", http.StatusMethodNotAllowed)
		return
	}
	if r.URL.Path != "/" {
		http.NotFound(w, r)
		return
	}
	keys := "Any access key will do; this server checks none:\n\n" +
		"    export AWS_ACCESS_KEY_ID=any AWS_SECRET_ACCESS_KEY=any"
	if h.Credentials != nil {
		keys = "Use an access key from the server's credentials file:\n\n" +
			"    export AWS_ACCESS_KEY_ID=... AWS_SECRET_ACCESS_KEY=..."
	}
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	fmt.Fprintf(w, `This is Ballast, a container orchestrator that speaks the API of Amazon ECS.

Point the AWS CLI, an SDK or Terraform at it:

    export AWS_ENDPOINT_URL=http://%[1]s AWS_REGION=us-east-1

%[2]s

and ask:

    aws ecs list-clusters

AWS CLIs before 1.29 and 2.13 want the address with each command: aws --endpoint-url http://%[1]s ecs list-clusters
`, r.Host, keys)
}
