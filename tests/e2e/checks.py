#!/usr/bin/python3
"""A site check from its file to the result: asked for on a task's topic,
answered over MQTT by a client that is not ours, through a kill -9.

Method: real mosquitto, real depotd; what is published is held to the contract
by the client. A bad answer asks for the check again at once, so nothing here
waits for a time of the day, whether or not this machine's clock is trusted."""

import json
import os
import subprocess

import depot_harness as h

SEEDING = [("device", "dock-1", 1, ""), ("bin", "A-01"), ("item", "MUG", 0),
           ("account", "li", 1)]
CHECKS = """check,question,name_en,name_zh,kind,times,grace_min,answer,low,high
cold-1,,Freezer,冷库,cold_chain,08:00 20:00,30,,,
cold-1,1,Temperature,温度,,,,number,-22,-18.5
cold-1,2,Door closed?,门已关？,,,,yes,,
"""


def depot(box, *words, code=0):
    done = subprocess.run(
        [os.path.join(h.BUILD, "gateway/depot"), "--config", box.config,
         "--json", "--as", "boss", *words], capture_output=True, check=False,
        text=True, timeout=h.LIMIT, stdin=subprocess.DEVNULL)
    h.same(done.returncode, code, f"exit of {words}: {done.stdout}"
           f"{done.stderr}")
    return json.loads(done.stdout or done.stderr)


def followup_wait(client, after=0):
    """The task to check again: its topic and payload."""
    def look():
        for message in client.messages[after:]:
            if ("/task/" in message.topic and message.payload
                    and message.json().get("reason") == "check_failed"):
                return message
        return None
    client.wait(look, "the task to check again")
    return look()


def gone_wait(client, topic, after):
    client.wait_message(topic, lambda message: not message.payload,
                        after=after)


def parked_wait(box):
    """No message tells that something was parked."""
    h.until("the bad answer to be parked", lambda: len(box.parked()) == 1)


@h.test
def a_check_is_asked_answered_and_kept_through_a_crash(scratch):
    broker = h.Broker(scratch).start()
    box = h.Box(scratch, broker.port, seeding=SEEDING).start()
    li = h.Client(scratch, broker, "li", subscribe=[
        h.PREFIX + "/task/#", h.PREFIX + "/alert/#"])
    took = depot(box, "check", "import", scratch.write("checks.csv", CHECKS))
    h.same((took["rows"], took["added"]), (3, 3))
    bad = depot(box, "check", "do", "cold-1", "-17", "no", code=3)
    task = followup_wait(li)
    h.same(task.json()["id"], bad["followup"])
    h.same([question.get("high") for question in task.json()["questions"]],
           ["-18.5", None])
    alert = h.PREFIX + "/alert/check_failed-cold-1"
    h.same(li.wait_message(alert).json()["severity"], "critical")
    # Answers that do not fit change nothing.
    done = task.topic + "/done/li"
    li.publish(done, json.dumps({"v": 1, "answers": ["-20"]}))
    parked_wait(box)
    # What is asked outlives a crash, and so does what was answered.
    box.kill()
    after = li.mark()
    box.start()
    h.same(depot(box, "check", "due")["checks"][0]["task"], bad["followup"])
    good = json.dumps({"v": 1, "answers": ["-20.5", True], "note": "closed"})
    li.publish(done, good)
    gone_wait(li, task.topic, after)
    gone_wait(li, alert, after)
    li.publish(done, good)
    box.kill()
    box.start()
    results = depot(box, "check", "history", "cold-1")["results"]
    h.same([(result["by"], result["in_order"]) for result in results],
           [("li", True), ("boss", False)])
    h.same([answer["value"] for answer in results[0]["answers"]],
           ["-20.5", "yes"])
    h.same(results[0]["note"], "closed")
    entries = [entry for entry in box.journal()
               if entry["kind"] == "check_result"]
    h.same(len(entries), 2)


if __name__ == "__main__":
    h.main()
