package httpd

import (
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
)

// Any web page that a user visits can make the user's browser send requests to loopback addresses, and names that an
// attacker owns can be made to resolve to them (DNS rebinding). So a request must name a host that is ours, and must not
// come from another site's page. No CORS header is ever sent.

// hostNames are the names that a server answers to besides loopback addresses, localhost and *.localhost.
type hostNames map[string]bool

func newHostNames(names []string) hostNames {
	m := hostNames{}
	for _, n := range names {
		m[bareHost(n)] = true
	}
	return m
}

// refusal gives the reason why a request must not be served because of where it claims to go or to come from, or nothing.
func (names hostNames) refusal(r *http.Request) string {
	if !names.ours(r.Host) {
		return fmt.Sprintf("This server does not answer to the host name %q. Reach it through localhost, a name under .localhost or a "+
			"loopback address, or add the name to the hosts it is configured with.", clip(r.Host))
	}
	if origin := r.Header.Get("Origin"); origin != "" {
		u, err := url.Parse(origin)
		if err != nil || !strings.EqualFold(u.Host, r.Host) {
			return fmt.Sprintf("Pages of %q may not send requests to this server. Use the AWS CLI, an SDK outside the browser, or this "+
				"server's own pages.", clip(origin))
		}
	}
	if r.Header.Get("Sec-Fetch-Site") == "cross-site" {
		return "Pages of other sites may not send requests to this server, nor lead to it. Type the address into the browser instead."
	}
	return ""
}

// ours tells whether a Host header, with or without a port, names this server.
func (names hostNames) ours(host string) bool {
	host = bareHost(host)
	if addr, err := netip.ParseAddr(host); err == nil && addr.Unmap().IsLoopback() {
		return true
	}
	return host == "localhost" || strings.HasSuffix(host, ".localhost") || names[host]
}

// bareHost gives a host's name in lower case without port, brackets and final dot.
func bareHost(host string) string {
	if h, _, err := net.SplitHostPort(host); err == nil {
		host = h
	}
	host = strings.TrimSuffix(strings.TrimPrefix(host, "["), "]")
	return strings.TrimSuffix(strings.ToLower(host), ".")
}
