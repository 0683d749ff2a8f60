// go-md2man, which makes the man page. It is a module of its own so that it does not
// become a dependency of the function.
module fluxtrust.dev/flux-trust/tools/go-md2man

go 1.26.0

tool github.com/cpuguy83/go-md2man/v2

require (
	github.com/cpuguy83/go-md2man/v2 v2.0.7 // indirect
	github.com/russross/blackfriday/v2 v2.1.0 // indirect
)
