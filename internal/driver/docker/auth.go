package docker

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/distribution/reference"
	"github.com/moby/moby/api/pkg/authconfig"
	"github.com/moby/moby/api/types/registry"

	"ballast/internal/driver"
)

// hub is the registry of images that name none, and hubServer the name under which logins for it are kept.
const (
	hub       = "docker.io"
	hubServer = "index.docker.io"
)

// auth gives what an engine shows to the registry of an image: the login that the task brings, else that of Config.RegistryAuth, else
// nothing. Whoever prints its errors sees nothing of a login.
func (d *Driver) auth(image string, login *driver.Login) (string, error) {
	ref, err := reference.ParseNormalizedNamed(image)
	if err != nil {
		return "", &driver.Error{Name: driver.CannotPullContainerError, Text: err.Error()}
	}
	var config registry.AuthConfig
	switch {
	case login != nil:
		config = registry.AuthConfig{Username: login.Username, Password: login.Password}
	case d.cfg.RegistryAuth == "":
		return "", nil
	default:
		var found bool
		config, found, err = readAuth(d.cfg.RegistryAuth, reference.Domain(ref))
		if err != nil {
			return "", &driver.Error{Name: cannotPullContainerAuthError, Text: err.Error()}
		}
		if !found {
			return "", nil
		}
	}
	config.ServerAddress = reference.Domain(ref)
	return authconfig.Encode(config)
}

// readAuth reads the login for a registry from a file.
func readAuth(file, domain string) (registry.AuthConfig, bool, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return registry.AuthConfig{}, false, err
	}
	config, found, err := parseAuth(text, domain)
	if err != nil {
		err = fmt.Errorf("%s: %w", file, err)
	}
	return config, found, err
}

// parseAuth finds the login for a registry in a file as the Docker CLI keeps it (config.json). Its errors quote nothing of the file.
func parseAuth(text []byte, domain string) (config registry.AuthConfig, found bool, err error) {
	var file struct {
		Auths       map[string]registry.AuthConfig `json:"auths"`
		CredsStore  string                         `json:"credsStore"`
		CredHelpers map[string]string              `json:"credHelpers"`
	}
	if json.Unmarshal(text, &file) != nil {
		return config, false, errors.New("is not a JSON object with \"auths\" as the Docker CLI keeps them")
	}
	if _, helped := file.CredHelpers[domain]; helped {
		return config, false, fmt.Errorf("the login for %s is with a credential helper, which Ballast does not ask", domain)
	}
	for server, c := range file.Auths {
		if registryOf(server) == domain {
			config, found = c, true
		}
	}
	if !found {
		return config, false, nil
	}
	if config.Auth != "" {
		plain, err := base64.StdEncoding.DecodeString(config.Auth)
		user, password, ok := strings.Cut(strings.TrimRight(string(plain), "\x00"), ":")
		if err != nil || !ok {
			return config, false, fmt.Errorf("the auth for %s is not the base64 of user:password", domain)
		}
		config.Username, config.Password, config.Auth = user, password, ""
	}
	if config == (registry.AuthConfig{}) {
		return config, false, fmt.Errorf("the login for %s is elsewhere (credsStore %q), where Ballast does not look", domain, file.CredsStore)
	}
	return config, true, nil
}

// registryOf is the registry that an entry of the file is for: entries may have a scheme and a path.
func registryOf(server string) string {
	server = strings.TrimPrefix(strings.TrimPrefix(server, "https://"), "http://")
	server, _, _ = strings.Cut(server, "/")
	if server == hubServer {
		return hub
	}
	return server
}

// CheckAuth says early what is wrong with a file of logins as a whole: that it cannot be read, or is not JSON.
func CheckAuth(file string) error {
	text, err := os.ReadFile(file)
	if err == nil && !json.Valid(text) {
		err = fmt.Errorf("%s is not JSON", file)
	}
	if err != nil {
		return fmt.Errorf("read the logins of registries: %w", err)
	}
	return nil
}
