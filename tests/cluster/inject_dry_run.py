"""A real API server accepts every manifest of the corpus once the agent is in it, in both forms, and injecting again
changes nothing. `inject_dry_run.py INJECT_CORPUS [FILE...]`: that program; without files, all of manifests/."""

import concurrent.futures
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

import cluster

CORPUS = Path(__file__).resolve().parent / "manifests"
NAMESPACES = CORPUS / "00-namespaces.yaml"
FORMS = ("native", "init")
LEAST_FILES = 60


class InjectDryRun(unittest.TestCase):
    injector = ""
    files = []

    def test_every_injected_manifest_is_accepted(self):
        texts = {(file, form): self.inject(file, form) for file in self.files for form in FORMS}
        with tempfile.TemporaryDirectory() as folder, cluster.running(folder) as self.node:
            first = [word for file in (NAMESPACES, *sorted((CORPUS / "crds").glob("*.yaml"))) for word in ("-f", file)]
            try:
                self.node.kubectl("apply", *first)
                self.node.kubectl("wait", "--for=condition=Established", "crd", "--all")
                with concurrent.futures.ThreadPoolExecutor(2) as pool:
                    refused = [text for text in pool.map(lambda item: self.refusal(*item), texts.items()) if text]
            finally:
                self.node.kubectl("delete", "--ignore-not-found", *first, seconds=180)
        print(f"{len(self.files)} files, {len(texts) - len(refused)} of {len(texts)} accepted", file=sys.stderr)
        self.assertEqual([], refused, "\n".join(refused))

    def inject(self, file, form):
        done = subprocess.run([self.injector, form], input=file.read_bytes(), capture_output=True, check=False)
        self.assertEqual(0, done.returncode, f"{file.name}, {form}: {done.stderr.decode(errors='replace')}")
        return done.stdout.decode()

    def refusal(self, which, text):
        """What the API server has against it, or nothing. Only create takes an object without a name."""
        verb = "create" if "\n  generateName:" in text else "apply"
        done = self.node.kubectl(verb, "--dry-run=server", "-f", "-", input=text, check=False)
        if done.returncode != 0 or "PodSecurity" in done.stderr:
            return f"{which[0].name}, {which[1]}: {done.stderr.strip()}"
        return ""


if __name__ == "__main__":
    InjectDryRun.injector = sys.argv[1]
    InjectDryRun.files = list(map(Path, sys.argv[2:]))
    if not InjectDryRun.files:
        InjectDryRun.files = sorted(set(CORPUS.glob("*.yaml")) - {NAMESPACES})
        assert len(InjectDryRun.files) >= LEAST_FILES, f"{CORPUS} has only {len(InjectDryRun.files)} manifests"
    unittest.main(argv=sys.argv[:1], verbosity=2)
