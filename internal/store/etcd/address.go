package etcd

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"strings"
)

// Scheme begins the URL of a cluster.
const Scheme = "etcd://"

// defaultPrefix is where the keys lie when the URL does not say.
const defaultPrefix = "ballast"

// maxPrefix bounds the prefix, which each of the 120 keys of a transaction repeats.
const maxPrefix = 256

// Address is a cluster, and the place of a store in it.
type Address struct {
	hosts  []string // host:port
	prefix string   // without slashes at its ends
	// Files of PEM. All are empty without encryption.
	ca, cert, key string
}

// ParseAddress reads "etcd://host:2379,host2:2379/prefix". Without a prefix it is "ballast". The parameters cacert, cert and key
// name files for TLS: "?cacert=ca.pem" alone checks the cluster, cert and key show it who asks. Passwords have no place in it.
func ParseAddress(text string) (Address, error) {
	fail := func(why string) (Address, error) {
		return Address{}, fmt.Errorf("store %q: %s; want etcd://HOST:PORT[,HOST:PORT...][/PREFIX][?cacert=FILE&cert=FILE&key=FILE]", text, why)
	}
	rest, ok := strings.CutPrefix(text, Scheme)
	if !ok {
		return fail("is no etcd URL")
	}
	rest, query, _ := strings.Cut(rest, "?")
	hosts, prefix, _ := strings.Cut(rest, "/")
	a := Address{prefix: strings.Trim(prefix, "/")}
	if a.prefix == "" {
		a.prefix = defaultPrefix
	}
	if len(a.prefix) > maxPrefix {
		return fail(fmt.Sprintf("a prefix has at most %d bytes", maxPrefix))
	}
	for host := range strings.SplitSeq(hosts, ",") {
		if strings.Contains(host, "@") {
			return fail("user names and passwords are not supported, certificates are")
		}
		if name, port, err := net.SplitHostPort(host); err != nil || name == "" || port == "" {
			return fail(fmt.Sprintf("%q is no HOST:PORT", host))
		}
		a.hosts = append(a.hosts, host)
	}
	parameters, err := url.ParseQuery(query)
	if err != nil {
		return fail(err.Error())
	}
	known := map[string]*string{"cacert": &a.ca, "cert": &a.cert, "key": &a.key}
	for name, values := range parameters {
		if known[name] == nil || len(values) != 1 || values[0] == "" {
			return fail(fmt.Sprintf("parameter %q is unknown, empty or given twice", name))
		}
		*known[name] = values[0]
	}
	if (a.cert == "") != (a.key == "") {
		return fail("cert and key go together")
	}
	return a, nil
}

// String is the URL without its parameters.
func (a Address) String() string { return Scheme + strings.Join(a.hosts, ",") + "/" + a.prefix }

func (a Address) encrypted() bool { return a.ca != "" || a.cert != "" }

func (a Address) endpoints() []string {
	scheme := "http://"
	if a.encrypted() {
		scheme = "https://"
	}
	var all []string
	for _, host := range a.hosts {
		all = append(all, scheme+host)
	}
	return all
}

// encryption reads the files that the address names; it is nil without any.
func (a Address) encryption() (*tls.Config, error) {
	if !a.encrypted() {
		return nil, nil
	}
	config := &tls.Config{MinVersion: tls.VersionTLS12}
	if a.ca != "" {
		pem, err := os.ReadFile(a.ca)
		if err != nil {
			return nil, fmt.Errorf("store: read cacert: %w", err)
		}
		config.RootCAs = x509.NewCertPool()
		if !config.RootCAs.AppendCertsFromPEM(pem) {
			return nil, errors.New("store: cacert " + a.ca + " has no certificate in PEM")
		}
	}
	if a.cert != "" {
		pair, err := tls.LoadX509KeyPair(a.cert, a.key)
		if err != nil {
			return nil, fmt.Errorf("store: read cert and key: %w", err)
		}
		config.Certificates = []tls.Certificate{pair}
	}
	return config, nil
}

func (a Address) headKey() string   { return a.prefix + "/head" }
func (a Address) leaderKey() string { return a.prefix + "/leader" }

// recordKey is where a record lies; with an empty key it is the prefix of all.
func (a Address) recordKey(key string) string { return a.prefix + "/records/" + key }
