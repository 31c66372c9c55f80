"""The rules of a deployment that no tool knows: nothing runs as root, writes where it need not, holds a secret in its environment, is reached
from outside or has no end to what it may use; all three ways pass on what the programs read; and the Compose demo shares nothing with production.
Called by check-deployment.sh."""

import json
import pathlib
import re
import sys

import yaml

SCRATCH = pathlib.Path(sys.argv[1])
SECRET = re.compile(r"(PASSWORD|API_KEY|SECRETS)(__FILE|_FILE)?$")
# Addresses with a password in them: the parts are passed on instead.
WHOLE_ADDRESSES = {"DATABASE_URL", "REDIS_URL"}
# Set per program; the rest holds for all.
LISTEN = {"PRODUCER_LISTEN", "WORKER_LISTEN"}
# What two projects of compose.yaml on one machine would have in common, unless it is set.
SHARED_UNLESS_SET = {"KANZLEISYNC_VERSION", "SECRETS_FOLDER", "PRODUCER_PORT", "GRAFANA_PORT"}
problems = []


def rule(holds, problem):
    if not holds:
        problems.append(problem)


def text(path):
    return pathlib.Path(path).read_text("utf-8")


def known_settings():
    """Every setting that the programs read, secrets by their plain name."""
    sources = [path for path in pathlib.Path("shared/src/settings").glob("*.rs") if path.name != "tests.rs"]
    words = re.findall(r'"([A-Z][A-Z0-9]*_[A-Z0-9_]+)"', "".join(text(path) for path in [*sources, "shared/src/settings.rs"]))
    return {word.removesuffix("_FILE") for word in words} | {"RUST_LOG"}


def plain(name):
    return name.removesuffix("_FILE")


def pinned(image):
    return re.search(r":v?\d+(\.\d+)*([-.][a-z0-9.]+)*$", image) is not None


def settings_of(path):
    """`NAME=value`, a line each."""
    return dict(re.findall(r"^(\w+)=(.*)$", text(path), re.M))


def no_secret_in(environment, where):
    for name in environment:
        found = SECRET.search(name)
        rule(not found or found[2], f"{where}: {name} is a secret in the environment, not a file")


def compose(grace):
    whole = yaml.safe_load(text("compose.yaml"))
    made = set(re.findall(r"^ *secret (\w+) ", text("scripts/compose-secrets.sh"), re.M))
    rule(set(whole["secrets"]) == made, f"compose.yaml and compose-secrets.sh differ in {sorted(set(whole['secrets']) ^ made)}")
    for name, service in whole["services"].items():
        where = f"compose.yaml: {name}"
        rule(service.get("read_only") is True, f"{where} may write to its file system")
        rule(service.get("cap_drop") == ["ALL"], f"{where} keeps capabilities")
        rule("no-new-privileges:true" in service.get("security_opt", []), f"{where} may gain privileges")
        limits = service.get("deploy", {}).get("resources", {}).get("limits", {})
        rule({"cpus", "memory", "pids"} <= set(limits), f"{where} has no limits")
        rule("container_name" not in service, f"{where} has a fixed name and cannot be scaled")
        rule(name == "migrate" or "healthcheck" in service, f"{where} has no health check")
        ours = "build" in service
        rule(ours or pinned(service["image"]), f"{where}: {service['image']} has no version")
        rule(ours or service.get("user", "root") not in ("root", "0"), f"{where} runs as root")
        ports = service.get("ports", [])
        rule(all(port.startswith("127.0.0.1:") for port in ports), f"{where} is reached from outside")
        rule(not ports or name in ("producer", "grafana"), f"{where} publishes a port")
        no_secret_in(service.get("environment", {}), where)
        unknown = set(service.get("secrets", [])) - set(whole["secrets"])
        rule(not unknown, f"{where}: no secret is called {sorted(unknown)}")
        if name in ("producer", "worker"):
            rule(int(service["stop_grace_period"].rstrip("s")) > grace, f"{where} is killed before its grace period is over")
            passed = {plain(setting) for setting in service["environment"]}
            own = {"PRODUCER_API_KEY", "ESPOCRM_WEBHOOK_SECRETS", "WORKER_CONCURRENCY"}
            missing = known_settings() - passed - WHOLE_ADDRESSES - LISTEN - own
            rule(not missing, f"{where} does not pass on {sorted(missing)}")
    redis = "\n".join(whole["services"]["redis"]["command"])
    for wanted in ("appendonly yes", "maxmemory-policy noeviction"):
        rule(wanted in redis, f"compose.yaml: redis lacks `{wanted}`")
    replicas = whole["services"]["worker"]["deploy"].get("replicas")
    rule(replicas == "${WORKERS:-2}", f"compose.yaml: worker has {replicas} replicas, not as many as WORKERS says")
    demo(whole)
    grafana = whole["services"]["grafana"]["environment"]
    rule(grafana.get("GF_AUTH_ANONYMOUS_ENABLED") == "false", "compose.yaml: grafana lets anybody in")
    for name, service in whole["services"].items():
        rule(("demo" in service.get("profiles", [])) == (name == "simulator"), f"compose.yaml: {name} is in the wrong profile")


def demo(whole):
    for name, secret in whole["secrets"].items():
        rule(secret == {"file": f"${{SECRETS_FOLDER:-./secrets}}/{name}"}, f"compose.yaml: the secret {name} is not in SECRETS_FOLDER, else ./secrets")
    for name, volume in whole["volumes"].items():
        rule(volume is None, f"compose.yaml: the volume {name} is not its project's own")
    set_for_demo = settings_of("compose.demo.env")
    rule(set_for_demo.get("COMPOSE_PROJECT_NAME", whole["name"]) != whole["name"], "compose.demo.env: COMPOSE_PROJECT_NAME is missing, or production's")
    defaults = dict(re.findall(r"\$\{(\w+):-([^}]+)\}", text("compose.yaml")))
    for name in sorted(SHARED_UNLESS_SET):
        rule(name in defaults, f"compose.yaml does not read {name}")
        rule(set_for_demo.get(name, defaults.get(name)) != defaults.get(name), f"compose.demo.env: {name} is missing, or production's")
    for settings in (defaults, set_for_demo):
        folder = settings.get("SECRETS_FOLDER", "./secrets").removeprefix("./")
        rule(f"/{folder}" in text(".gitignore").splitlines(), f".gitignore lacks /{folder}")
        ignored = text(".dockerignore").splitlines()
        rule("*" in ignored and f"!{folder}" not in ignored, f".dockerignore lets {folder} into images")


def dockerfile():
    stages = re.split(r"^FROM ", text("Dockerfile"), flags=re.M)[1:]
    names = {stage.split()[2] for stage in stages}
    for stage in stages:
        image = stage.split()[0]
        rule(image in names or pinned(image), f"Dockerfile: {image} has no version")
    rule(re.search(r"^USER [1-9]\d*:[1-9]\d*$", "".join(stage for stage in stages if stage.split()[2] == "base"), re.M), "Dockerfile: runs as root")
    rule(stages[-1].split()[2] == "program" and "simulator" not in stages[-1], "Dockerfile: the last stage is not that of producer and worker")


def systemd(grace):
    settings = known_settings()
    for path in sorted(pathlib.Path("deployment/systemd").glob("*.service")):
        unit = text(path)
        for credential in re.findall(r"^LoadCredential=(\w+):", unit, re.M):
            rule(f"Environment={credential.upper()}_FILE=%d/{credential}\n" in unit, f"{path}: {credential} is loaded and not named")
        for name in re.findall(r"^Environment=(\w+)=", unit, re.M):
            rule(plain(name) in settings, f"{path}: no program reads {name}")
        no_secret_in(re.findall(r"^Environment=(\w+)=", unit, re.M), path)
        if "migrate" not in path.name:
            stop = re.search(r"^TimeoutStopSec=(\d+)s$", unit, re.M)
            rule(stop and int(stop[1]) > grace, f"{path}: is killed before its grace period is over")
    for name, account in (("kanzleisync.env", "kanzleisync_program"), ("migrate.env", "kanzleisync_migrate")):
        environment = settings_of(f"deployment/systemd/{name}")
        rule(set(environment) <= settings, f"{name}: no program reads {sorted(set(environment) - settings)}")
        no_secret_in(environment, name)
        rule(environment.get("POSTGRES_USER") == account, f"{name}: POSTGRES_USER is not {account}")
        rule(f"CREATE ROLE {account} LOGIN" in text("scripts/postgres-roles.sql"), f"postgres-roles.sql does not make {account}")
    # The programs must not be able to log in as the account that owns the tables.
    for path in sorted(pathlib.Path("deployment/systemd").glob("*.service")):
        own = "migrate" in path.name
        rule(("/secrets/postgres_migrate_password\n" in text(path)) == own, f"{path}: has the other account's password")
        rule(("/secrets/postgres_password\n" in text(path)) != own, f"{path}: has the other account's password")
        rule(("EnvironmentFile=/etc/kanzleisync/migrate.env\n" in text(path)) == own, f"{path}: logs in as the other account")


def pods(document, grace, settings):
    where = f"{document['kind']} {document['metadata']['name']}"
    spec = document["spec"]["template"]["spec"]
    selector = document["spec"].get("selector", {}).get("matchLabels", {})
    rule(selector.items() <= document["spec"]["template"]["metadata"]["labels"].items(), f"{where} does not select its own pods")
    rule(spec["terminationGracePeriodSeconds"] > grace, f"{where} is killed before its grace period is over")
    rule(spec["securityContext"].get("runAsNonRoot") and spec["securityContext"]["runAsUser"] > 0, f"{where} runs as root")
    rule(spec["securityContext"].get("seccompProfile") == {"type": "RuntimeDefault"}, f"{where} may make any system call")
    rule(spec.get("automountServiceAccountToken") is False, f"{where} has an account of the cluster")
    volumes = {volume["name"]: volume for volume in spec["volumes"]}
    mounted = {item["path"] for item in volumes["secrets"]["secret"]["items"]}
    for container in spec["containers"]:
        context = container["securityContext"]
        rule(context.get("readOnlyRootFilesystem") is True, f"{where} may write to its file system")
        rule(context.get("allowPrivilegeEscalation") is False, f"{where} may gain privileges")
        rule(context.get("capabilities", {}).get("drop") == ["ALL"], f"{where} keeps capabilities")
        rule({"cpu", "memory"} <= set(container["resources"]["requests"]), f"{where} asks for no resources")
        rule("memory" in container["resources"]["limits"], f"{where} has no limit")
        if document["kind"] == "Deployment":
            ports = {port["name"] for port in container["ports"]}
            for probe, path in (("livenessProbe", "/healthz"), ("readinessProbe", "/readyz")):
                asked = container[probe]["httpGet"]
                rule(asked["path"] == path and asked["port"] in ports, f"{where}: its {probe} does not ask {path}")
        no_secret_in([variable["name"] for variable in container["env"]], where)
        for variable in container["env"]:
            rule(plain(variable["name"]) in settings, f"{where}: no program reads {variable['name']}")
            if variable["name"].endswith("_FILE"):
                rule(variable["value"].rpartition("/")[2] in mounted, f"{where}: {variable['value']} is not mounted")


def kubernetes(grace):
    settings = known_settings()
    documents = [
        document
        for path in sorted(pathlib.Path("deployment/kubernetes").glob("*.yaml"))
        for document in yaml.safe_load_all(text(path))
    ]
    names = {(document["kind"], document.get("metadata", {}).get("name")) for document in documents}
    for document in documents:
        match document["kind"]:
            case "Deployment" | "Job":
                pods(document, grace, settings)
            case "ConfigMap":
                unknown = {name for name in document["data"] if plain(name) not in settings}
                rule(not unknown, f"ConfigMap: no program reads {sorted(unknown)}")
                rule(all(isinstance(value, str) for value in document["data"].values()), "ConfigMap: a value is no text")
                rule(int(document["data"]["SHUTDOWN_GRACE_SECONDS"]) == grace, "ConfigMap: another grace period than compose.yaml's")
                no_secret_in(document["data"], "ConfigMap")
            case "ScaledObject":
                rule(("Deployment", document["spec"]["scaleTargetRef"]["name"]) in names, "ScaledObject scales nothing of ours")
                query = document["spec"]["triggers"][0]["metadata"]["query"]
                sources = "".join(text(path) for path in pathlib.Path("shared/src/queue").rglob("*.rs"))
                for metric in re.findall(r"kanzleisync_[a-z_]+", query):
                    rule(f'"{metric}"' in sources, f"ScaledObject: no program emits {metric}")
                # As a rule, because promtool reads no bare query; a file of rules may be JSON.
                rules = {"groups": [{"name": "autoscaling", "rules": [{"record": "query", "expr": query}]}]}
                (SCRATCH / "autoscaling.rules.yml").write_text(json.dumps(rules))
            case "Service" | "Kustomization":
                pass
            case kind:
                rule(False, f"a {kind} has no rules here")


def main():
    grace = int(re.search(r'SHUTDOWN_GRACE_SECONDS: "(\d+)"', text("compose.yaml"))[1])
    compose(grace)
    dockerfile()
    systemd(grace)
    kubernetes(grace)
    for problem in problems:
        print(f"check-deployment: {problem}", file=sys.stderr)
    return 1 if problems else 0


sys.exit(main())
