// Runs one component of Kubernetes by name: `kubernetes kube-apiserver --flags...`, or by the name under which the
// binary was started. One binary in place of five: its parts share most of their code.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"k8s.io/component-base/cli"
	_ "k8s.io/component-base/logs/json/register"
	_ "k8s.io/component-base/metrics/prometheus/clientgo"
	_ "k8s.io/component-base/metrics/prometheus/version"
	kubectl "k8s.io/kubectl/pkg/cmd"
	cmdutil "k8s.io/kubectl/pkg/cmd/util"
	apiserver "k8s.io/kubernetes/cmd/kube-apiserver/app"
	controllers "k8s.io/kubernetes/cmd/kube-controller-manager/app"
	proxy "k8s.io/kubernetes/cmd/kube-proxy/app"
	scheduler "k8s.io/kubernetes/cmd/kube-scheduler/app"
	kubelet "k8s.io/kubernetes/cmd/kubelet/app"
)

var components = map[string]func() *cobra.Command{
	"kube-apiserver":          apiserver.NewAPIServerCommand,
	"kube-controller-manager": controllers.NewControllerManagerCommand,
	"kube-proxy":              proxyCommand,
	"kube-scheduler":          func() *cobra.Command { return scheduler.NewSchedulerCommand() },
	"kubelet":                 func() *cobra.Command { return kubelet.NewKubeletCommand(context.Background()) },
	"kubectl":                 func() *cobra.Command { return kubectl.NewDefaultKubectlCommand() },
	"dns":                     dnsCommand,
}

// kube-proxy's own main does the same: its logging flags are Go flags.
func proxyCommand() *cobra.Command {
	pflag.CommandLine.AddGoFlagSet(flag.CommandLine)
	return proxy.NewProxyCommand()
}

func main() {
	name := filepath.Base(os.Args[0])
	if components[name] == nil && len(os.Args) > 1 {
		name = os.Args[1]
		os.Args = os.Args[1:]
	}
	make := components[name]
	if make == nil {
		fmt.Fprintf(os.Stderr, "%s: no such component; there are kube-apiserver, kube-controller-manager, kube-proxy, kube-scheduler, kubelet, kubectl and dns\n", name)
		os.Exit(2)
	}
	if name == "kubectl" { // which prints its errors in its own way, and gives an exec's exit code on
		cmdutil.CheckErr(cli.RunNoErrOutput(make()))
		return
	}
	os.Exit(cli.Run(make()))
}
