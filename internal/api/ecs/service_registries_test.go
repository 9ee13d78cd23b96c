package ecs

import (
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/ecs/types"
	"github.com/google/go-cmp/cmp"
)

func TestRegistries(t *testing.T) {
	const known = "arn:aws:servicediscovery:us-east-1:000000000000:service/srv-1"
	a := &API{registry: func(arn string) bool { return arn == known }}
	of := func(arns ...string) (all []types.ServiceRegistry) {
		for i := range arns {
			all = append(all, types.ServiceRegistry{RegistryArn: &arns[i]})
		}
		return all
	}
	tests := []struct {
		name string
		api  *API
		in   []types.ServiceRegistry
		want []string
		err  string
	}{
		{"none", a, nil, nil, ""},
		{"one", a, of(known), []string{known}, ""},
		{"an unknown one", a, of("x"), nil, "InvalidParameterException: Service registry not found: x"},
		{"two", a, of(known, known), nil, "InvalidParameterException: serviceRegistries can have at most 1 items."},
		{"none where there is no service discovery", &API{}, nil, nil, ""},
		{"one where there is no service discovery", &API{}, of(known), nil, "InvalidParameterException: serviceRegistries is not supported by this version of Ballast yet; remove it. See docs/compatibility.md."},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got, err := test.api.registriesOf(test.in)
			said := ""
			if err != nil {
				said = err.Error()
			}
			if diff := cmp.Diff(test.want, got); diff != "" || said != test.err {
				t.Errorf("error %q, want %q\n%s", said, test.err, diff)
			}
		})
	}
	if shown := showRegistries([]string{known}); len(shown) != 1 || *shown[0].RegistryArn != known {
		t.Errorf("shown as %v", shown)
	}
}
