// Command image writes the container image of every platform into one archive, which
// needs no container engine. The same input gives the same bytes.
//
// Usage: image OUTPUT NAME PLATFORM=BINARY... < labels
//
// The labels are lines KEY=VALUE. The archive is an OCI image layout that also holds
// the manifest.json of docker save, for engines that read nothing else.
package main

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"strings"
	"time"
)

func main() {
	if err := run(os.Args[1:], os.Stdin); err != nil {
		_, _ = fmt.Fprintln(os.Stderr, "image:", err)
		os.Exit(1)
	}
}

func run(args []string, in io.Reader) error {
	if len(args) < 3 {
		return fmt.Errorf("%d arguments; write OUTPUT NAME PLATFORM=BINARY", len(args))
	}
	labels, err := readLabels(in)
	if err != nil {
		return err
	}
	created, err := createdOf(labels)
	if err != nil {
		return err
	}
	var images []platformImage
	for _, arg := range args[2:] {
		platform, file, _ := strings.Cut(arg, "=")
		binary, err := os.ReadFile(file) //nolint:gosec // the caller names it
		if err != nil {
			return fmt.Errorf("reading the binary for %s: %w", platform, err)
		}
		image, err := build(platform, binary, labels, created)
		if err != nil {
			return fmt.Errorf("building the image for %s: %w", platform, err)
		}
		images = append(images, image)
	}
	return writeArchive(args[0], args[1], images, created)
}

func readLabels(in io.Reader) (map[string]string, error) {
	labels := map[string]string{}
	lines := bufio.NewScanner(in)
	for lines.Scan() {
		key, value, found := strings.Cut(lines.Text(), "=")
		if !found {
			return nil, fmt.Errorf("the label %q has no value; write KEY=VALUE", lines.Text())
		}
		labels[key] = value
	}
	if err := lines.Err(); err != nil {
		return nil, fmt.Errorf("reading the labels: %w", err)
	}
	return labels, nil
}

// createdOf is the time of the commit. Outside of a checkout it is 1970, which is as
// good and stays the same.
func createdOf(labels map[string]string) (time.Time, error) {
	text, found := labels["org.opencontainers.image.created"]
	if !found {
		return time.Unix(0, 0).UTC(), nil
	}
	created, err := time.Parse(time.RFC3339, text)
	if err != nil {
		return time.Time{}, fmt.Errorf("the label created: %w", err)
	}
	return created.UTC(), nil
}
