// Package quote says what of the input may stand in a message, a report or a log.
//
// An input may hold a private key anywhere: as a value, a name, a key of a mapping. So
// what stems from it is shown only where it is what Kubernetes allows in that place
// ([Name], [Key], [Kind], …); everything else is told by its length. [Line] is the last
// step before a message leaves the program: it keeps the message on one line, shows
// what a terminal would act on as an escape, and takes out what looks like a key.
package quote
