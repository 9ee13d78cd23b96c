package process

import (
	"reflect"
	"testing"

	"ballast/internal/driver"
	"ballast/internal/ecs"
)

// TestCheckIsolation sets every member of Isolation by itself: one that is neither refused nor known to be harmless has been
// forgotten.
func TestCheckIsolation(t *testing.T) {
	// User and Ulimits are set to what does not exist.
	harmless := map[string]bool{"Init": true, "Labels": true}
	typ := reflect.TypeFor[ecs.Isolation]()
	for n := range typ.NumField() {
		i := ecs.Isolation{}
		switch f := reflect.ValueOf(&i).Elem().Field(n); f.Kind() {
		case reflect.Bool:
			f.SetBool(true)
		case reflect.String:
			f.SetString("x")
		case reflect.Int:
			f.SetInt(1)
		case reflect.Slice:
			f.Set(reflect.MakeSlice(f.Type(), 1, 1))
		case reflect.Pointer:
			f.Set(reflect.New(f.Type().Elem()))
		default:
			t.Fatalf("%s cannot be set by this test", typ.Field(n).Name)
		}
		err := checkIsolation(driver.Spec{Isolation: &i})
		if refused := err != nil; refused == harmless[typ.Field(n).Name] {
			t.Errorf("%s: %v", typ.Field(n).Name, err)
		}
	}
	for text, spec := range map[string]driver.Spec{
		"":                                 {PIDMode: ecs.SharingHost, IPCMode: ecs.SharingHost, Isolation: &ecs.Isolation{}},
		"pidMode task":                     {PIDMode: ecs.SharingTask},
		"ipcMode none":                     {IPCMode: ecs.SharingNone},
		"mountPoints":                      {Mounts: []ecs.MountPoint{{Volume: "v"}}},
		"volumesFrom":                      {VolumesFrom: []ecs.VolumeFrom{{Container: "c"}}},
		"ulimits: files: this system":      {Isolation: &ecs.Isolation{Ulimits: []ecs.Ulimit{{Name: "files"}}}},
		"unable to find user no-such-user": {Isolation: &ecs.Isolation{User: "no-such-user"}},
		"linuxParameters.sharedMemorySize": {Isolation: &ecs.Isolation{SharedMemory: 1}},
	} {
		name := driver.CannotCreateContainerError
		if text == "" {
			name = ""
		}
		wantError(t, checkIsolation(spec), name, text)
	}
}
