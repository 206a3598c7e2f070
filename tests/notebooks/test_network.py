"""Prove that the notebooks tested in this run had no network.

`make test` starts the run of all notebooks through tests/netless.py; this file is
part of that run.
"""

import os
import socket

import pytest

STATE = os.environ.get("DIGITDREAMS_NETWORK", "open: not started by tests/netless.py")
# RFC 5737 keeps this address for documentation: nobody is there to be disturbed.
ELSEWHERE = ("192.0.2.1", 443)


@pytest.mark.skipif(STATE != "cut", reason=f"the network is {STATE}")
def test_only_the_loopback_interface_exists():
    assert [name for _, name in socket.if_nameindex()] == ["lo"]


@pytest.mark.skipif(STATE != "cut", reason=f"the network is {STATE}")
def test_other_machines_are_out_of_reach():
    # At once: a packet that got lost on its way would be told as "timed out".
    with pytest.raises(OSError, match=r"[Nn]etwork is unreachable"):
        socket.create_connection(ELSEWHERE, timeout=30)


@pytest.mark.skipif(STATE != "cut", reason=f"the network is {STATE}")
def test_this_machine_is_within_reach():
    with socket.create_server(("127.0.0.1", 0)) as server:
        socket.create_connection(server.getsockname(), timeout=60).close()
