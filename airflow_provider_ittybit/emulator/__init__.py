"""A local ittybit: five generations of its API, on loopback, without an account.

``ittybit-emulator serve`` runs it, ``ittybit-emulator exec -- COMMAND`` runs a command against it, and
:class:`airflow_provider_ittybit.emulator.running.RunningEmulator` runs it inside a Python process.

It is written from ittybit's published documentation alone and imports nothing else of this package, so that a
misreading in the client cannot hide behind the same misreading here. Needs the extra ``emulator``.
"""
