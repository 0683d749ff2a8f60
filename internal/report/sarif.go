package report

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/url"
	"path/filepath"
	"strings"

	"fluxtrust.dev/flux-trust/internal/codes"
	"fluxtrust.dev/flux-trust/internal/krm"
)

// The parts of SARIF 2.1.0 that are used:
// https://docs.oasis-open.org/sarif/sarif/v2.1.0/sarif-v2.1.0.html
type (
	sarifLog struct {
		Schema  string     `json:"$schema"`
		Version string     `json:"version"`
		Runs    []sarifRun `json:"runs"`
	}
	sarifRun struct {
		Tool    sarifTool     `json:"tool"`
		Results []sarifResult `json:"results"`
	}
	sarifTool struct {
		Driver sarifDriver `json:"driver"`
	}
	sarifDriver struct {
		Name           string      `json:"name"`
		Version        string      `json:"version,omitempty"`
		InformationURI string      `json:"informationUri"`
		Rules          []sarifRule `json:"rules"`
	}
	sarifRule struct {
		ID               string    `json:"id"`
		ShortDescription sarifText `json:"shortDescription"`
		FullDescription  sarifText `json:"fullDescription"`
		HelpURI          string    `json:"helpUri"`
		Help             sarifHelp `json:"help"`
	}
	sarifHelp struct {
		Text     string `json:"text"`
		Markdown string `json:"markdown"`
	}
	sarifText struct {
		Text string `json:"text"`
	}
	sarifResult struct {
		RuleID    string            `json:"ruleId"`
		RuleIndex int               `json:"ruleIndex"`
		Level     string            `json:"level"`
		Message   sarifText         `json:"message"`
		Locations []sarifLocation   `json:"locations"`
		Prints    map[string]string `json:"partialFingerprints"`
	}
	sarifLocation struct {
		Physical sarifPhysical  `json:"physicalLocation"`
		Logical  []sarifLogical `json:"logicalLocations,omitempty"`
	}
	sarifPhysical struct {
		Artifact sarifArtifact `json:"artifactLocation"`
		Region   sarifRegion   `json:"region"`
	}
	sarifRegion struct {
		StartLine int `json:"startLine"`
	}
	sarifArtifact struct {
		URI string `json:"uri"`
	}
	sarifLogical struct {
		FullyQualifiedName string `json:"fullyQualifiedName"`
		Kind               string `json:"kind"`
	}
)

// home is where the program and its documentation are.
const home = "https://fluxtrust.dev/flux-trust"

// Help returns the address of the documentation of a code.
func Help(code krm.Code) string {
	return home + "/docs/results.md#" + strings.ToLower(string(code))
}

func (r *Report) sarif() (string, error) {
	rules, at := []sarifRule{}, map[krm.Code]int{}
	results := []sarifResult{}
	for i := range r.Findings {
		f := &r.Findings[i]
		if _, ok := at[f.Code]; !ok {
			at[f.Code] = len(rules)
			rules = append(rules, newRule(f.Code))
		}
		results = append(results, sarifResult{
			RuleID: string(f.Code), RuleIndex: at[f.Code], Level: sarifLevel(f.Severity), Message: sarifText{f.String()},
			Locations: []sarifLocation{r.location(f)}, Prints: map[string]string{"fluxTrust/v1": f.fingerprint()},
		})
	}
	text, err := json.MarshalIndent(sarifLog{
		Schema: "https://json.schemastore.org/sarif-2.1.0.json", Version: "2.1.0",
		Runs: []sarifRun{{sarifTool{sarifDriver{r.Tool, r.Version, home, rules}}, results}},
	}, "", "  ")
	if err != nil {
		return "", fmt.Errorf("writing the report: %w", err)
	}
	return string(text) + "\n", nil
}

// newRule explains a code. Code scanning shows the help, and asks for all of it.
func newRule(code krm.Code) sarifRule {
	text := codes.Text(code)
	return sarifRule{
		ID: string(code), ShortDescription: sarifText{text}, FullDescription: sarifText{text}, HelpURI: Help(code),
		Help: sarifHelp{text, fmt.Sprintf("%s [%s](%s)", text, code, Help(code))},
	}
}

func sarifLevel(s krm.Severity) string {
	if s == krm.Info {
		return "note"
	}
	return string(s)
}

// location returns the file of a finding, and the object in it. Code scanning asks for a
// line: the first where it is not known.
func (r *Report) location(f *Finding) sarifLocation {
	at := sarifLocation{Physical: sarifPhysical{sarifArtifact{fileURI(r.file(f))}, sarifRegion{max(r.line(f), 1)}}}
	if f.ResourceRef != nil {
		name := f.id()
		if path := f.path(); path != "" {
			name += "/" + path
		}
		at.Logical = []sarifLogical{{name, "resource"}}
	}
	return at
}

// fileURI returns a path as a reference that is relative where the path is.
func fileURI(path string) string {
	u := url.URL{Path: filepath.ToSlash(path)}
	if filepath.IsAbs(path) {
		u.Scheme, u.Path = "file", "/"+strings.TrimPrefix(u.Path, "/") // a drive has none
	}
	return u.String()
}

// fingerprint names a finding, whatever stands before it in a file.
func (f *Finding) fingerprint() string {
	sum := sha256.Sum256([]byte(strings.Join([]string{string(f.Code), f.Folder, f.id(), f.sentence()}, "\n")))
	return hex.EncodeToString(sum[:])
}

// id names the object with the same words everywhere.
func (f *Finding) id() string {
	if f.ResourceRef == nil {
		return ""
	}
	return f.ResourceRef.Kind + "/" + f.name()
}
