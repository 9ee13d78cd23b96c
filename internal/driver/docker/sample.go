package docker

import (
	"archive/tar"
	"bytes"
	"context"
	"debug/elf"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/containerd/errdefs"
	"github.com/moby/moby/client"

	"ballast/internal/driver"
)

// SampleImage is the image of the examples. It is made of this program and never pulled: no registry vouches for that name.
const SampleImage = "ballast/sample"

// labelExe says which program an image was made of.
const labelExe = "ballast.exe"

// named is an image without its tag, as people write it.
func named(image string) string { return strings.TrimSuffix(image, ":latest") }

// makeSample makes the sample image, if the engine does not have one of this very program.
func (d *Driver) makeSample(ctx context.Context) error {
	d.sample.Lock()
	defer d.sample.Unlock()
	info, err := os.Stat(d.cfg.Exe)
	if err != nil {
		return cannotMake("there is no such program: %v", err)
	}
	stamp := fmt.Sprintf("%d-%d", info.Size(), info.ModTime().UnixNano())
	has, err := d.engine.ImageInspect(ctx, SampleImage)
	if err == nil && has.Config != nil && has.Config.Labels[labelExe] == stamp {
		return nil
	}
	if err != nil && !errdefs.IsNotFound(err) {
		return fmt.Errorf("make image %s: %w", SampleImage, err)
	}
	if err := static(d.cfg.Exe); err != nil {
		return err
	}
	program, err := os.ReadFile(d.cfg.Exe)
	if err != nil {
		return cannotMake("%v", err)
	}
	options := client.ImageImportOptions{Message: "made by ballast", Changes: []string{
		"ENV PATH=/bin", "ENV HOST=0.0.0.0", "LABEL " + labelExe + "=" + stamp}}
	response, err := d.engine.ImageImport(ctx, client.ImageImportSource{Source: layer("bin/ballast", program), SourceName: "-"}, SampleImage+":latest", options)
	if err != nil {
		return fmt.Errorf("make image %s: %w", SampleImage, err)
	}
	defer response.Close()
	if _, err := io.Copy(io.Discard, response); err != nil {
		return fmt.Errorf("make image %s: %w", SampleImage, err)
	}
	return nil
}

func cannotMake(format string, args ...any) error {
	return &driver.Error{Name: driver.CannotPullContainerError, Text: fmt.Sprintf("image %s is made of this program, but ", SampleImage) +
		fmt.Sprintf(format, args...)}
}

// static checks that a program runs in an image that has nothing else.
func static(exe string) error {
	f, err := elf.Open(exe)
	if err != nil {
		return cannotMake("this program is not one for Linux; use --driver process")
	}
	defer f.Close()
	for _, p := range f.Progs {
		if p.Type == elf.PT_INTERP {
			return cannotMake("this program needs libraries; build it with CGO_ENABLED=0, or use --driver process")
		}
	}
	return nil
}

// layer is a file system with one program.
func layer(name string, program []byte) io.Reader {
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	w.WriteHeader(&tar.Header{Name: name, Mode: 0o755, Size: int64(len(program))}) // a buffer takes everything
	w.Write(program)
	w.Close()
	return &b
}
