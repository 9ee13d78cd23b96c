package arn

import (
	"testing"

	"ballast/internal/ecs"
)

var namer = Namer{Region: "us-east-1", Account: "123456789012"}

func TestServiceDeploymentNames(t *testing.T) {
	const pre = "arn:aws:ecs:us-east-1:123456789012:"
	ref := namer.ServiceDeployment("c", "web", "NCWGC2ZR-taawPAYrIaU5")
	if want := pre + "service-deployment/c/web/NCWGC2ZR-taawPAYrIaU5"; ref != want {
		t.Errorf("%s, want %s", ref, want)
	}
	cluster, service, id, err := namer.ServiceDeploymentOf(ref)
	if err != nil || cluster != "c" || service != "web" || id != "NCWGC2ZR-taawPAYrIaU5" {
		t.Errorf("%s: %s %s %s %v", ref, cluster, service, id, err)
	}
	ref = namer.ServiceRevision("c", "web", 4980306466373577)
	if want := pre + "service-revision/c/web/0004980306466373577"; ref != want {
		t.Errorf("%s, want %s", ref, want)
	}
	cluster, service, number, err := namer.ServiceRevisionOf(ref)
	if err != nil || cluster != "c" || service != "web" || number != 4980306466373577 {
		t.Errorf("%s: %s %s %d %v", ref, cluster, service, number, err)
	}
	for _, bad := range []string{"", "x", "c/web/x", pre + "service-deployment/c/web", pre + "service-deployment/c/web/", pre + "service-deployment/c//x",
		pre + "service-deployment/c/web/x/y", pre + "service-deployment/c/web/x y", pre + "service/c/web", "arn:aws:ecs:eu-west-1:123456789012:service-deployment/c/web/x"} {
		if _, _, _, err := namer.ServiceDeploymentOf(bad); err == nil {
			t.Errorf("%q is taken", bad)
		} else if refusal, is := err.(*ecs.Error); !is || refusal.Code != ecs.InvalidParameterException {
			t.Errorf("%q: %v", bad, err)
		}
	}
	for _, bad := range []string{"7", pre + "service-revision/c/web/x", pre + "service-revision/c/web/-1", pre + "service-revision/c/web/99999999999999999999999"} {
		if _, _, _, err := namer.ServiceRevisionOf(bad); err == nil {
			t.Errorf("%q is taken", bad)
		}
	}
}

func FuzzServiceDeploymentOf(f *testing.F) {
	f.Add(namer.ServiceDeployment("c", "web", "NCWGC2ZR-taawPAYrIaU5"))
	f.Add("arn:aws:ecs:us-east-1:123456789012:service-deployment/c/web/x/y")
	f.Fuzz(func(t *testing.T, ref string) {
		cluster, service, id, err := namer.ServiceDeploymentOf(ref)
		if err == nil && namer.ServiceDeployment(cluster, service, id) != ref {
			t.Errorf("%q is read as %q %q %q", ref, cluster, service, id)
		}
	})
}
