package cli

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"syscall"
)

// sandboxProcess are the sandboxes in a process of its own, so that its memory and its
// world are not counted as the program's.
type sandboxProcess struct {
	Endpoint string // Marketo's
	OrgURL   string // Salesforce's
	OrgToken string // of its integration user
	command  *exec.Cmd
}

func startSandboxProcess(ctx context.Context, people int) (*sandboxProcess, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, fmt.Errorf("find this program: %w", err)
	}
	command := exec.CommandContext(ctx, self, "sandbox", "--json", "--marketo-addr", "127.0.0.1:0", "--salesforce-addr", "127.0.0.1:0", "--people", strconv.Itoa(people),
		"--quota", "off", "--bulk-delay", "100ms", "--bulk-refresh", "150ms")
	command.Stderr = os.Stderr
	out, err := command.StdoutPipe()
	if err == nil {
		err = command.Start()
	}
	if err != nil {
		return nil, fmt.Errorf("start the sandbox: %w", err)
	}
	var said struct {
		Marketo    struct{ Endpoint string }
		Salesforce struct {
			LoginURL    string `json:"login_url"`
			AccessToken string `json:"access_token"`
		}
	}
	line, err := bufio.NewReader(out).ReadBytes('\n')
	if err == nil {
		err = json.Unmarshal(line, &said)
	}
	box := &sandboxProcess{Endpoint: said.Marketo.Endpoint, OrgURL: said.Salesforce.LoginURL, OrgToken: said.Salesforce.AccessToken, command: command}
	if err != nil {
		box.stop()
		return nil, fmt.Errorf("read where the sandbox is: %w", err)
	}
	return box, nil
}

// stop ends the sandbox; how it ended does not matter any more.
func (s *sandboxProcess) stop() {
	_ = s.command.Process.Signal(syscall.SIGTERM)
	_ = s.command.Wait()
}
