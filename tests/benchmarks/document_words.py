"""What ``docs/performance.md`` says besides figures. No figure that was measured stands here."""

INTRODUCTION = """\
# Performance

<!-- Written by `make bench-docs` from the figures of `make bench`; changes by hand are lost. -->

What this provider costs, next to other ways to do the same. `make bench` measures it on your machine, `make bench-docs`
writes this page from what came out.
"""

UPLOADS = """\
## Uploads

How fast uploads are, and how much memory they need, next to curl and to other libraries.
"""

UPLOADS_METHOD = """\
### How uploads are measured

- All contenders send the same file to the same server over loopback, in turns (A B C A B C …), each in a fresh process.
  Where time matters, a round before the others is thrown away.
- Every figure is a median. A ratio is the median of the ratios within each round, so what else the machine does weighs
  on both sides.
- The server drops what it gets, as fast as it can: plain bytes in the kernel; of TLS, large bodies are cut into
  records but not decrypted. Otherwise it would be slower than some contenders and make all of them look the same.
- Time is that of the upload call. Starting the process, imports, the plugins that Airflow loads before a task, and
  looking up the connection do not count; a run that imports anything more is refused. Connecting, the TLS handshake
  with certificates checked, and asking for a signed URL count. For curl it is its own `time_total`.
- CPU is that of the same call in all threads; for curl it is that of its whole process.
- Memory is the kernel's high-water mark (`VmHWM`, set back by `/proc/self/clear_refs`) during the call, less the
  resident memory right before it. It can be next to nothing where memory that the imports had given back is used again.
  Memory is measured with sparse files, all else with a random MiB, repeated.
- A limited connection takes 20 MB/s, by a token bucket of its own in the server.
- A table may have been measured anew after the others; each says when.
"""

WAITING = """\
## Waiting

What deferred tasks cost in the triggerer, next to triggers of other providers and to a loop as one may write it by
hand. Each trigger waits for one thing of its own and looks at it every 10 s.
"""

WAITING_METHOD = """\
### How waiting is measured

- Each contender runs in a fresh process with all its triggers on one event loop, as in Airflow's triggerer, in turns
  (A B C A B C …). All ask the same server over loopback with TLS, which takes 100 ms to answer and keeps connections
  alive; each contender finds the endpoint there that it knows.
- Three triggers whose work is done run first, so that loading modules counts for nobody. Then the triggers start one
  after the other in the course of 10 s, and only what comes after that is measured.
- One in twenty of the things waited for gets done at a random time in the second half; the others never do. Which and
  when is the same for all contenders of a round. Time to the event counts from that moment on the server; what has no
  event 15 s after the measured time is "not in time".
- ittybit's lists show, as the newest, all that is waited for, with one other item after every ten, and 200 older
  ones. Where a project has more others in between, more pages are needed.
- Requests and connections are counted by the server; "before" is how many came while the triggers started. CPU is that
  of the whole process.
- Memory is what the process has that is no copy of a file (`Anonymous` and `Swap` in `/proc/self/smaps_rollup`), at
  the end less before the first trigger, divided by their number. Airflow's own is the same with triggers that only
  sleep, in the same round.
- The delay of the event loop is how much later than asked a task wakes from a sleep of 10 ms, again and again for 15 s
  after the rest was measured, since that costs CPU itself; the triggers go on meanwhile. A loop that stood still was
  late for each 10 ms of it, not once.
- "Kept" says whether no two looks at the same thing were more than one and a half intervals apart, every end became
  an event, and nothing went wrong. A look at a feed of events counts as one at everything. The best peer is the one
  that needs least among those that kept their interval: who cannot keep up also asks less. If none did, it is among
  all. Ratios are taken within a round, and then their median.
- Connections of Airflow come from environment variables, and logs are off. A real triggerer has the cost of both.
"""

IMPORTS = """\
## Imports

What a DAG file costs at each parsing because it imports operators and sensors.
"""

IMPORTS_METHOD = """\
### How imports are measured

- Each import happens in a fresh process, in turns (A B C A B C …), after `airflow.sdk` with `DAG`, `BaseOperator` and
  `BaseSensorOperator`, which any DAG file has; only what comes on top counts. A first round, after which all bytecode
  is there, is thrown away.
- All modules are imported that a provider lists in its `get_provider_info` as having operators or sensors.
"""
