// Package trust resolves the CA bundle of a config, and makes pods trust it: volumes,
// mounts, env variables, an init container, and the marks that let a later run take
// all of it back.
//
// It works on values: an inventory, a pod template, the config. It does not know which
// pods there are, or what else is changed in them.
package trust
