// Package project is a folder of plain ECS JSON, as "ballast up DIR" deploys it: the files that "aws ecs
// register-task-definition --cli-input-json" and "create-service --cli-input-json" take. It reads them, tells in what they
// differ from what a server has, and says which calls would make up for that.
//
// It calls nobody and writes nothing: everything but Read is a function of values. Start reading at Read, then at
// CompareDefinition and PlanService.
package project

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/ecs"

	"ballast/internal/wire"
)

// Project is what a folder holds, in the order of file names.
type Project struct {
	Definitions []Definition
	Services    []Service
}

// Definition is a file with a task definition.
type Definition struct {
	File  string
	Input *ecs.RegisterTaskDefinitionInput
}

// Service is a file with a service.
type Service struct {
	File  string
	Input *ecs.CreateServiceInput
}

// Bounds of a folder.
const (
	maxFiles    = 100
	maxFileSize = 1 << 20 // what a server takes as a request
)

// The names of files, as patterns: "task-definition.json", or "task-definition.web.json" where there are several.
const (
	definitionPattern = "task-definition*.json"
	servicePattern    = "service*.json"
)

// Read reads a folder. Errors name the file and what is wrong with it.
func Read(dir string) (Project, error) {
	info, err := os.Stat(dir)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return Project{}, fmt.Errorf("%s: no such folder", dir)
	case err != nil:
		return Project{}, err
	case !info.IsDir():
		return Project{}, fmt.Errorf("%s: not a folder; name the one that holds %s and %s", dir, "task-definition.json", "service.json")
	}
	var p Project
	err = each(dir, definitionPattern, func(file string, body []byte) error {
		in := &ecs.RegisterTaskDefinitionInput{}
		p.Definitions = append(p.Definitions, Definition{file, in})
		return decode(file, body, in)
	})
	if err != nil {
		return Project{}, err
	}
	err = each(dir, servicePattern, func(file string, body []byte) error {
		in := &ecs.CreateServiceInput{}
		p.Services = append(p.Services, Service{file, in})
		return decode(file, body, in)
	})
	if err != nil {
		return Project{}, err
	}
	if len(p.Definitions)+len(p.Services) == 0 {
		return Project{}, fmt.Errorf("%s holds neither %s nor %s; copy those of examples/web, or have the AWS CLI write some: "+
			"aws ecs register-task-definition --generate-cli-skeleton", dir, definitionPattern, servicePattern)
	}
	return p, p.check()
}

// each calls take for every file of dir that matches pattern.
func each(dir, pattern string, take func(file string, body []byte) error) error {
	files, err := filepath.Glob(filepath.Join(escape(dir), pattern))
	if err != nil {
		return err
	}
	if len(files) > maxFiles {
		return fmt.Errorf("%s holds %d files %s, more than %d", dir, len(files), pattern, maxFiles)
	}
	slices.Sort(files)
	for _, file := range files {
		info, err := os.Stat(file)
		if err != nil {
			return err
		}
		if info.Size() > maxFileSize {
			return fmt.Errorf("%s has more than %d bytes", file, maxFileSize)
		}
		body, err := os.ReadFile(file)
		if err != nil {
			return err
		}
		if err := take(file, body); err != nil {
			return err
		}
	}
	return nil
}

// escape takes the meaning of a pattern from a folder's name.
func escape(dir string) string {
	return strings.NewReplacer(`\`, `\\`, `*`, `\*`, `?`, `\?`, `[`, `\[`).Replace(dir)
}

// decode reads a file into an input of the SDK.
func decode(file string, body []byte, in any) error {
	body = bytes.TrimPrefix(body, []byte("\ufeff"))
	if err := json.Unmarshal(body, new(any)); err != nil {
		return fmt.Errorf("%s%s", file, where(body, err))
	}
	if _, err := Decode(body, in); err != nil {
		return fmt.Errorf("%s: %w", file, err)
	}
	return nil
}

// Decode reads JSON into an input of the SDK. A member that the input does not have is an error here: a server would not see
// it, and a mistyped name would have no effect and give no hint. path is where the mistake is, as in
// "containerDefinitions[0].cpu", as far as that can be told.
func Decode(body []byte, in any) (path string, err error) {
	var raw any
	if err := json.Unmarshal(body, &raw); err != nil {
		return "", fmt.Errorf("not JSON: %w", err)
	}
	if _, ok := raw.(map[string]any); !ok {
		return "", errors.New("not a JSON object")
	}
	if err := wire.DecodeJSON(body, in); err != nil {
		text := message(err)
		if _, at, ok := strings.Cut(text, "(at "); ok {
			path = strings.TrimSuffix(at, ")")
		}
		return path, errors.New(text)
	}
	known, err := document(in)
	if err != nil {
		return "", err
	}
	if path := unknown(raw, known, ""); path != "" {
		return path, fmt.Errorf("%q is nothing that the API knows there; names are as the AWS CLI's --generate-cli-skeleton writes them", path)
	}
	if path, missing := wire.Missing(in); missing {
		return path, fmt.Errorf("%q is missing", path)
	}
	return "", nil
}

// where tells the line and column of a mistake in JSON.
func where(body []byte, err error) string {
	var syntax *json.SyntaxError
	if !errors.As(err, &syntax) {
		return ": " + err.Error()
	}
	before := body[:min(int(syntax.Offset), len(body))]
	line := 1 + bytes.Count(before, []byte("\n"))
	column := len(before) - bytes.LastIndexByte(before, '\n') - 1
	return fmt.Sprintf(":%d:%d: not JSON: %v", line, max(column, 1), err)
}

// unknown gives the path of the first member of raw that is not in known, which was made of it, "" if there is none.
func unknown(raw, known any, path string) string {
	switch r := raw.(type) {
	case map[string]any:
		k, _ := known.(map[string]any)
		for _, name := range sortedKeys(r) {
			if r[name] == nil {
				continue
			}
			inner, ok := k[name]
			if !ok {
				return join(path, name)
			}
			if found := unknown(r[name], inner, join(path, name)); found != "" {
				return found
			}
		}
	case []any:
		k, _ := known.([]any)
		for i := range min(len(r), len(k)) {
			if found := unknown(r[i], k[i], fmt.Sprintf("%s[%d]", path, i)); found != "" {
				return found
			}
		}
	}
	return ""
}

// check looks at the files together.
func (p Project) check() error {
	families, services := map[string]string{}, map[string]string{}
	for _, d := range p.Definitions {
		family := *d.Input.Family
		if other := families[family]; other != "" {
			return fmt.Errorf("%s and %s define the same family %q", other, d.File, family)
		}
		families[family] = d.File
	}
	for _, s := range p.Services {
		name := *s.Input.ServiceName
		if other := services[name]; other != "" {
			return fmt.Errorf("%s and %s define the same service %q", other, s.File, name)
		}
		services[name] = s.File
		if s.Input.TaskDefinition == nil || *s.Input.TaskDefinition == "" {
			return fmt.Errorf(`%s: "taskDefinition" is missing; name the family of a task definition`, s.File)
		}
	}
	return nil
}
