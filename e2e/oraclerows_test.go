//go:build linux

package e2e

import (
	"encoding/base64"
	"fmt"
	"slices"
	"strings"
)

// oracleRow is a source in a situation, which is judged by every controller of its
// kind.
type oracleRow struct {
	kind string
	// variant is the type of a HelmRepository or Provider, or "insecure".
	variant string
	// server is the flavour and the content, as peers.start takes them.
	server string
	// cert and auth name the Secrets of certSecretRef and secretRef.
	cert, auth string
	// proxy is that of proxySecretRef, or "env" for one that HTTPS_PROXY names.
	proxy string
	// only are the tools that judge the row, if not all.
	only []string
	// why the probe says something else; agrees is a tool that nevertheless says the
	// same.
	why, agrees string
}

func (r oracleRow) String() string {
	text := strings.Join(strings.Fields(r.kind+" "+r.variant), " ") + ", " + r.server
	for name, value := range map[string]string{"certSecretRef": r.cert, "secretRef": r.auth, "proxy": r.proxy} {
		if value != "" {
			text += ", " + name + ": " + value
		}
	}
	parts := strings.Split(text, ", ")
	slices.Sort(parts[2:])
	return strings.Join(parts, ", ")
}

func (r oracleRow) name(i int) string { return fmt.Sprintf("row-%03d", i) }

func (r oracleRow) oci() bool { return strings.Contains(r.variant, "oci") }

func (r oracleRow) judgedBy(j judge) bool {
	return slices.Contains(j.kinds, r.kind) && (r.only == nil || slices.Contains(r.only, j.tool))
}

// objects returns the source of a row, with what belongs to it. The first is the
// source.
func (o *oracle) objects(j judge, i int, r oracleRow) []object {
	o.t.Helper()
	name := r.name(i)
	meta := func() object {
		return object{"name": name, "namespace": j.namespace(), "labels": object{"judge": j.tool}}
	}
	address := o.start(r.server)
	if r.proxy != "" {
		address = o.named(address)
	}
	scheme := "https://"
	if strings.HasPrefix(r.server, "plain/") {
		scheme = "http://"
	}
	spec := object{"timeout": "30s"}
	if r.kind != "Provider" {
		spec["interval"] = "24h"
	}
	source := object{"apiVersion": "source.toolkit.fluxcd.io/v1", "kind": r.kind, "metadata": meta(), "spec": spec}
	objects := []object{source}
	if strings.Contains(r.variant, "insecure") {
		spec["insecure"] = true
	}
	switch r.kind {
	case "HelmRepository":
		spec["url"] = scheme + address
		if r.oci() {
			spec["url"], spec["type"] = "oci://"+address, "oci"
		}
		objects = append(objects, object{"apiVersion": "source.toolkit.fluxcd.io/v1", "kind": "HelmChart", "metadata": meta(), "spec": object{
			"interval": "24h", "chart": "app", "version": "0.1.0", "sourceRef": object{"kind": "HelmRepository", "name": name},
		}})
	case "OCIRepository":
		spec["url"] = "oci://" + address + "/config"
		if j.tool == "source-controller-1.3" {
			source["apiVersion"] = "source.toolkit.fluxcd.io/v1beta2"
		}
	case "Bucket":
		spec["endpoint"], spec["bucketName"] = address, "app"
		if j.tool == "source-controller-1.3" {
			source["apiVersion"] = "source.toolkit.fluxcd.io/v1beta2"
		}
	case "GitRepository":
		spec["url"], spec["ref"] = scheme+address+"/repo.git", object{"branch": "master"}
	case "ImageRepository":
		source["apiVersion"], spec["image"] = "image.toolkit.fluxcd.io/v1", address+"/config"
	case "Provider":
		source["apiVersion"], spec["type"], spec["address"] = "notification.toolkit.fluxcd.io/v1beta3", r.variant, scheme+address+"/"+name
		if r.variant == "gitea" {
			spec["address"] = scheme + address + "/" + name + "/app"
		}
		objects = append(objects, object{"apiVersion": "notification.toolkit.fluxcd.io/v1beta3", "kind": "Alert", "metadata": meta(), "spec": object{
			"providerRef": object{"name": name}, "eventSources": []any{object{"kind": "Kustomization", "name": name}},
		}})
	}
	for field, secret := range map[string]string{"certSecretRef": r.cert, "secretRef": r.auth} {
		if secret != "" {
			ref := name + "-" + strings.ToLower(field)
			spec[field] = object{"name": ref}
			objects = append(objects, o.secret(secret, address, object{"name": ref, "namespace": j.namespace()})...)
		}
	}
	if r.proxy != "" && r.proxy != "env" {
		spec["proxySecretRef"] = object{"name": name + "-proxy"}
		objects = append(objects, o.secret(r.proxy, address, object{"name": name + "-proxy", "namespace": j.namespace()})...)
	}
	return objects
}

// secret returns a Secret for a host by what is in it; "absent" is none. One that names
// a proxy starts it.
func (o *oracle) secret(content, host string, meta object) []object {
	o.t.Helper()
	kind, data := "Opaque", map[string]string{}
	if content == "absent" {
		return nil
	}
	pair, key := o.own.pair(o.t)
	_, otherKey := o.own.pair(o.t)
	for _, part := range strings.Split(content, " + ") {
		switch part {
		case "own ca.crt":
			data["ca.crt"] = o.own.pem()
		case "bundle ca.crt":
			data["ca.crt"] = o.bundle.pem()
		case "unknown ca.crt":
			data["ca.crt"] = o.unknown.pem()
		case "own caFile":
			data["caFile"] = o.own.pem()
		case "bad ca.crt":
			data["ca.crt"] = "-----BEGIN CERTIFICATE-----\nbm8=\n-----END CERTIFICATE-----\n"
		case "empty ca.crt":
			data["ca.crt"] = ""
		case "nothing of TLS":
			data["other"] = "x"
		case "tls.crt":
			data["tls.crt"] = pair
		case "tls.key":
			data["tls.key"] = key
		case "another tls.key":
			data["tls.key"] = otherKey
		case "certFile":
			data["certFile"] = pair
		case "keyFile":
			data["keyFile"] = key
		case "login":
			data["username"], data["password"] = "u", "p"
		case "username":
			data["username"] = "u"
		case "token":
			data["token"] = "t"
		case "type tls":
			kind = "kubernetes.io/tls"
		case "type basic-auth":
			kind = "kubernetes.io/basic-auth"
		case "docker login":
			kind, data[".dockerconfigjson"] = "kubernetes.io/dockerconfigjson", `{"auths":{"`+host+`":{"username":"u","password":"p"}}}`
		case "another docker login":
			kind, data[".dockerconfigjson"] = "kubernetes.io/dockerconfigjson", `{"auths":{"other.example.com":{"username":"u","password":"p"}}}`
		case "no address":
			data["username"] = "u"
		case "no URL":
			data["address"] = "proxy.example.com"
		case "empty address":
			data["address"] = ""
		default:
			data["address"] = o.proxy(part)
		}
	}
	encoded := object{}
	for key, text := range data {
		encoded[key] = base64.StdEncoding.EncodeToString([]byte(text))
	}
	return []object{{"apiVersion": "v1", "kind": "Secret", "metadata": meta, "type": kind, "data": encoded}}
}

// notGiven is why the probe does not say failed.
const notGiven = "a Secret that is not among the inputs may be in the cluster"

const notSent = "the probe sends no notification, so it does not see how the host answers one"

// oracleRows are the rows of the table.
func oracleRows() []oracleRow {
	var rows []oracleRow
	// How the server speaks TLS, for every kind.
	plain := map[string]string{"HelmRepository": "helm", "OCIRepository": "oci", "Bucket": "s3", "GitRepository": "git", "ImageRepository": "oci", "Provider": "hook"}
	for _, kind := range []string{"HelmRepository", "OCIRepository", "Bucket", "GitRepository", "ImageRepository", "Provider"} {
		variant := map[string]string{"Provider": "generic"}[kind]
		add := func(r oracleRow) {
			r.kind = kind
			if r.variant == "" {
				r.variant = variant
			}
			if r.cert == "absent" || r.auth == "absent" || r.proxy == "absent" {
				r.why = notGiven
				if r.proxy != "" && kind != "GitRepository" || r.cert != "" && kind == "Bucket" {
					r.agrees = "source-controller-1.3" // it has no such field
				}
			}
			if kind == "Provider" && (r.server == "bundle/401" || r.server == "bundle/404") {
				r.why = notSent
			}
			if !strings.Contains(r.server, "/") {
				r.server += "/" + plain[kind]
			}
			rows = append(rows, r)
		}
		for _, flavour := range []string{"bundle", "public", "unknown", "expired", "wrong name", "client usage", "wants a client", "TLS 1.1", "closed"} {
			add(oracleRow{server: flavour})
		}
		if kind == "Bucket" || kind == "OCIRepository" || kind == "ImageRepository" {
			add(oracleRow{server: "plain", variant: "insecure"})
			add(oracleRow{server: "unknown", variant: "insecure"})
		} else {
			add(oracleRow{server: "plain"})
		}
		for _, content := range []string{"page", "401", "404"} {
			add(oracleRow{server: "bundle/" + content})
		}
		add(oracleRow{server: "bundle", proxy: "env"})
		add(oracleRow{server: "unknown", proxy: "env"})
		if kind != "HelmRepository" && kind != "Provider" {
			for _, proxy := range []string{"http", "socks5", "https bundle", "https unknown", "407", "407 + login", "403", "closed", "no address", "no URL", "empty address", "absent"} {
				add(oracleRow{server: "bundle", proxy: proxy})
			}
		}
		if kind == "GitRepository" {
			for _, auth := range []string{"own ca.crt", "own caFile", "bad ca.crt", "login + own ca.crt", "empty ca.crt", "absent", "own ca.crt + type tls + tls.crt + tls.key"} {
				add(oracleRow{server: "own", auth: auth})
			}
			for _, auth := range []string{"tls.crt + tls.key", "tls.crt", "tls.crt + another tls.key"} {
				add(oracleRow{server: "wants a client", auth: auth})
			}
			continue
		}
		for _, cert := range []string{
			"own ca.crt", "own caFile", "own ca.crt + type tls + tls.crt + tls.key", "own ca.crt + type basic-auth + login", "own ca.crt + docker login",
			"bad ca.crt", "empty ca.crt", "nothing of TLS", "unknown ca.crt", "absent", "own ca.crt + tls.crt", "own ca.crt + tls.key", "own ca.crt + tls.crt + another tls.key",
		} {
			add(oracleRow{server: "own", cert: cert})
		}
		for _, cert := range []string{"unknown ca.crt", "nothing of TLS", "tls.crt", "bad ca.crt"} {
			add(oracleRow{server: "bundle", cert: cert})
		}
		for _, cert := range []string{"tls.crt + tls.key", "bundle ca.crt + tls.crt + tls.key", "certFile + keyFile"} {
			add(oracleRow{server: "wants a client", cert: cert})
		}
	}
	return append(rows, specialRows()...)
}

// specialRows are those of one kind alone.
func specialRows() []oracleRow {
	helm := func(content string) oracleRow { return oracleRow{kind: "HelmRepository", server: "bundle/" + content} }
	rows := []oracleRow{
		helm("no apiVersion"), helm("no YAML"), helm("JSON error"), helm("empty"),
		helm("helm, bundle charts"), helm("helm, unknown charts"), helm("helm, moved charts"), helm("helm, page for charts"),
		{kind: "HelmRepository", server: "own/helm", auth: "own caFile"},
		{kind: "HelmRepository", server: "own/helm", auth: "own ca.crt"},
		{kind: "HelmRepository", server: "own/helm", auth: "login + own ca.crt"},
		{kind: "HelmRepository", server: "own/helm", auth: "login + own caFile", cert: "nothing of TLS"},
		{kind: "HelmRepository", server: "own/helm", auth: "own caFile + tls.crt"},
		{kind: "HelmRepository", server: "own/helm", auth: "own caFile + certFile"},
		{kind: "HelmRepository", server: "bundle/helm", auth: "bad ca.crt"},
		{kind: "HelmRepository", server: "bundle/helm", auth: "username"},
		{kind: "HelmRepository", server: "bundle/helm", auth: "absent", why: notGiven},
		{kind: "HelmRepository", server: "bundle/helm", auth: "login"},
		{kind: "HelmRepository", server: "bundle/helm, bundle charts", cert: "bundle ca.crt"},

		{kind: "HelmRepository", variant: "oci", server: "bundle/oci"},
		{kind: "HelmRepository", variant: "oci", server: "bundle/oci", proxy: "env"},
		{kind: "HelmRepository", variant: "oci", server: "bundle/oci", proxy: "env", auth: "docker login"},
		{kind: "HelmRepository", variant: "oci", server: "unknown/oci", proxy: "env"},
		{kind: "HelmRepository", variant: "oci", server: "bundle/oci", proxy: "env", cert: "bundle ca.crt"},
		{kind: "HelmRepository", variant: "oci", server: "bundle/oci, token", proxy: "env"},
		{kind: "HelmRepository", variant: "oci", server: "bundle/oci, unknown token", proxy: "env"},
		{kind: "HelmRepository", variant: "oci", server: "bundle/oci, blobs unknown", proxy: "env"},
		{kind: "HelmRepository", variant: "oci", server: "unknown/oci"},
		{kind: "HelmRepository", variant: "oci", server: "own/oci", cert: "own ca.crt"},
		{kind: "HelmRepository", variant: "oci", server: "own/oci", cert: "bad ca.crt"},
		{kind: "HelmRepository", variant: "oci", server: "own/oci", cert: "own ca.crt", auth: "docker login"},
		{kind: "HelmRepository", variant: "oci", server: "bundle/oci", cert: "own ca.crt", auth: "docker login"},
		{kind: "HelmRepository", variant: "oci", server: "bundle/oci", cert: "own ca.crt"},
		{kind: "HelmRepository", variant: "oci", server: "bundle/oci", auth: "docker login"},
		{kind: "HelmRepository", variant: "oci", server: "bundle/oci", auth: "another docker login"},
		{kind: "HelmRepository", variant: "oci", server: "wants a client/oci", cert: "tls.crt + tls.key"},
		{kind: "HelmRepository", variant: "oci insecure", server: "plain/oci"},
		{kind: "HelmRepository", variant: "oci", server: "bundle/page"},

		{kind: "Provider", variant: "gitea", server: "bundle/gitea", auth: "token"},
		{kind: "Provider", variant: "gitea", server: "unknown/gitea", auth: "token"},
		{kind: "Provider", variant: "gitea", server: "own/gitea", auth: "token", cert: "own ca.crt"},
		{kind: "Provider", variant: "gitea", server: "own/gitea", auth: "token + own ca.crt"},
		{kind: "Provider", variant: "gitea", server: "bundle/gitea", auth: "token + own ca.crt"},
		{kind: "Provider", variant: "gitea", server: "bundle/gitea", auth: "token", proxy: "env"},
		{kind: "Provider", variant: "gitea", server: "bundle/page", auth: "token", why: notSent},
		{kind: "Provider", variant: "generic", server: "own/hook", auth: "token + own ca.crt"},
		{kind: "Provider", variant: "generic", server: "own/hook", cert: "own ca.crt", proxy: "env"},
		{kind: "Provider", variant: "generic", server: "bundle/hook", cert: "own ca.crt + bundle ca.crt"},
	}
	for _, kind := range []string{"OCIRepository", "ImageRepository"} {
		for _, content := range []string{"oci, token", "oci, token at an address", "oci, unknown token", "oci, page for a token", "oci, blobs bundle", "oci, blobs unknown"} {
			rows = append(rows, oracleRow{kind: kind, server: "bundle/" + content})
		}
	}
	return rows
}
