"""``python -m airflow_provider_ittybit.emulator`` is the command ``ittybit-emulator``."""

import sys

from airflow_provider_ittybit.emulator.cli import main

sys.exit(main())
