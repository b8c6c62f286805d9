// Sales Actions is a self-hosted workspace of people and activity for a sales
// team, kept in step with Marketo and Salesforce.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"

	"salesactions/cli"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	go func() {
		<-ctx.Done()
		stop() // a second signal ends the program at once
	}()
	os.Exit(cli.Execute(ctx, os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
}
