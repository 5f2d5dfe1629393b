// Command devstack-kube holds etcd and the control plane of Kubernetes in one file: most of their
// code is shared, so that together they build in little more than the time of one.
//
// The first argument names the part, the others are that part's own flags:
//
//	devstack-kube kube-apiserver --secure-port=6443 ...
package main

import (
	"fmt"
	"os"

	"github.com/spf13/cobra"
	"go.etcd.io/etcd/server/v3/etcdmain"
	"k8s.io/component-base/cli"
	_ "k8s.io/component-base/logs/json/register"
	_ "k8s.io/component-base/metrics/prometheus/clientgo"
	_ "k8s.io/component-base/metrics/prometheus/version"
	apiserver "k8s.io/kubernetes/cmd/kube-apiserver/app"
	controllermanager "k8s.io/kubernetes/cmd/kube-controller-manager/app"
	scheduler "k8s.io/kubernetes/cmd/kube-scheduler/app"
)

// parts holds what is started by name; etcd has no cobra command and stands beside them.
var parts = map[string]func() *cobra.Command{
	"kube-apiserver":          apiserver.NewAPIServerCommand,
	"kube-controller-manager": controllermanager.NewControllerManagerCommand,
	"kube-scheduler":          func() *cobra.Command { return scheduler.NewSchedulerCommand() },
}

func main() {
	if len(os.Args) < 2 {
		refuse("no part named")
	}
	// Each part reads os.Args itself, and must find its own name in front.
	os.Args = os.Args[1:]
	if os.Args[0] == "etcd" {
		etcdmain.Main(os.Args)
		return
	}
	command, known := parts[os.Args[0]]
	if !known {
		refuse(fmt.Sprintf("no part named %q", os.Args[0]))
	}
	os.Exit(cli.Run(command()))
}

func refuse(why string) {
	fmt.Fprintf(os.Stderr, "devstack-kube: %s; give etcd, kube-apiserver, kube-controller-manager or kube-scheduler\n", why)
	os.Exit(2)
}
