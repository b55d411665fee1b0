"""A journal that forgets: each try uploads afresh."""

from __future__ import annotations

from airflow_provider_ittybit.uploads.journal import NoJournal, Noted


def test_no_journal_forgets_everything_and_says_so() -> None:
    journal = NoJournal()
    journal.write(Noted(since=1.0, resource_id="file_1"))
    assert journal.read("bytes") == Noted()
    assert not journal.lasting


def test_without_notes_each_upload_has_a_name_of_its_own() -> None:
    journal = NoJournal()
    assert len({journal.name() for _ in range(3)}) == 3


def test_notes_of_nothing_claim_nothing() -> None:
    noted = Noted()
    assert (noted.since, noted.resource_id, noted.layout, noted.litter) == (None, None, None, None)
    assert noted.arrived == frozenset()
    assert not noted.labelled
