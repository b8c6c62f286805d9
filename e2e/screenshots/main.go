// Screenshots takes the pictures of the documents from a demo that runs:
//
//	make screenshots
package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/chromedp/chromedp"
)

func main() {
	demo := flag.String("demo", "", "file with what 'salesactions demo --json' printed")
	out := flag.String("out", "docs/img", "folder of the pictures")
	flag.Parse()
	if err := run(*demo, *out); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(demo, out string) error {
	raw, err := os.ReadFile(demo)
	if err != nil {
		return fmt.Errorf("read what the demo printed: %w", err)
	}
	var at struct {
		URL   string
		Admin struct{ Email, Password string }
	}
	if err := json.Unmarshal(raw, &at); err != nil {
		return fmt.Errorf("read what the demo printed: %w", err)
	}
	options := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.NoSandbox, chromedp.Flag("disable-gpu", true), chromedp.Flag("disable-background-networking", true))
	allocator, cancel := chromedp.NewExecAllocator(context.Background(), options...)
	defer cancel()
	ctx, cancel := chromedp.NewContext(allocator)
	defer cancel()
	err = chromedp.Do(ctx, chromedp.EmulateViewport(1280, 800), chromedp.Navigate(at.URL+"/signin"),
		chromedp.SendKeys("#field-email", at.Admin.Email), chromedp.SendKeys("#field-password", at.Admin.Password),
		chromedp.Submit("#field-email"), chromedp.WaitVisible(".rail"),
		chromedp.Navigate(at.URL+"/settings/sync"), chromedp.Submit(`form[action="/settings/sync/start"] button`))
	if err != nil {
		return fmt.Errorf("start the sync: %w", err)
	}
	waiting, cancel := context.WithTimeout(ctx, 3*time.Minute)
	defer cancel()
	if err := chromedp.Do(waiting, chromedp.WaitVisible("#sync-live .tone-good")); err != nil {
		return fmt.Errorf("wait for the sync: %w", err)
	}
	// The feed is live: the demo's past shows up in it by itself.
	if err := chromedp.Do(waiting, chromedp.Navigate(at.URL+"/activity"), chromedp.WaitVisible("#results tbody tr, .fresh a")); err != nil {
		return fmt.Errorf("wait for the demo's activities: %w", err)
	}
	for name, shot := range map[string]struct{ path, ready string }{
		"people": {"/people", "tbody tr"}, "person": {"/people/1001", "[data-grid]"}, "sync": {"/settings/sync", "#sync-live"},
		"activity": {"/activity", "tbody tr"},
	} {
		if err := chromedp.Do(ctx, chromedp.Navigate(at.URL+shot.path), chromedp.WaitVisible(shot.ready)); err != nil {
			return fmt.Errorf("open %s: %w", shot.path, err)
		}
		picture, err := chromedp.Run(ctx, chromedp.CaptureScreenshot())
		if err == nil {
			err = os.WriteFile(filepath.Join(out, name+".png"), picture, 0o644)
		}
		if err != nil {
			return fmt.Errorf("take the picture of %s: %w", shot.path, err)
		}
	}
	return nil
}
