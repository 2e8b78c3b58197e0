"""The synthetic speaker publishes: its health is a file that it touches while media flows."""

import subprocess
import sys

from tests.support.parts import container, healthy


def test_it_publishes(host):
    """Its health check passes only while media flows."""
    assert healthy(host, "speaker_speaker")


def test_pictures_and_sound_reach_a_stage():
    """As the broker sees it, asked by the operators' command on the controller."""
    command = [
        sys.executable,
        "-m",
        "ops",
        "status",
        "--deployment",
        "molecule-speaker",
        "--flowing",
        "demo",
        "--wait-s",
        "60",
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_its_token_is_in_no_process_list(host):
    """The token comes from a secret."""
    token = host.check_output(f"docker exec {container(host, 'speaker_speaker')} cat /run/secrets/token")
    assert token.count(".") == 2
    assert token not in host.check_output("ps -eo args")
