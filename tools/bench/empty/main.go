// Command empty does nothing: what a Go program costs at least.
package main

func main() {}
