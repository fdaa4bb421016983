"""VACUUM: removes old snapshots of an Iceberg table, and the files that no snapshot uses.

Source: https://docs.aws.amazon.com/athena/latest/ug/vacuum-statement.html
"""

from __future__ import annotations

from datetime import datetime

from pyiceberg.table import Table as IcebergTable
from pyiceberg.table.metadata import TableMetadata
from pyiceberg.table.refs import MAIN_BRANCH, SnapshotRef, SnapshotRefType
from pyiceberg.table.snapshots import ancestors_of
from pyiceberg.table.update.snapshot import ExpireSnapshots

from localaws.athena.errors import ENGINE_ERROR, SYSTEM, QueryFailed
from localaws.athena.tables.iceberg import LocalFiles, commit_failures, s3_uri

_MAX_AGE_SECONDS = 432_000
_MIN_SNAPSHOTS = 1


def vacuum(iceberg: IcebergTable, files: LocalFiles, now: datetime) -> None:
    """Expire snapshots, then remove their files and orphan files.

    An orphan file is below the location of the table, not part of it, and older than vacuum_max_snapshot_age_seconds.
    Raises QueryFailed.
    """
    location = iceberg.location().rstrip("/")
    if "/" not in location.partition("://")[2]:
        raise QueryFailed(
            f"GENERIC_INTERNAL_ERROR: Path missing in file system location: {location}", ENGINE_ERROR, SYSTEM
        )
    age = int(iceberg.properties.get("vacuum_max_snapshot_age_seconds", _MAX_AGE_SECONDS))
    before = _files(iceberg)
    expired = _expired(iceberg.metadata, age, now)
    if expired:
        transaction = iceberg.transaction()
        with commit_failures(transaction), transaction:
            ExpireSnapshots(transaction).by_ids(expired).commit()
    iceberg.refresh()
    used = _files(iceberg)
    for uri in before - used:
        files.delete(uri)
    for uri in files.below(s3_uri(location)):
        if uri not in used and files.modified(uri) < now.timestamp() - age:
            files.delete(uri)


def _expired(metadata: TableMetadata, age_seconds: int, now: datetime) -> list[int]:
    """Return the ids of the snapshots that no branch and no tag keeps. Source: RemoveSnapshots of Iceberg"""
    oldest_ms = now.timestamp() * 1000 - age_seconds * 1000
    kept = {ref.snapshot_id for ref in metadata.refs.values()}
    branches = [item for item in metadata.refs.items() if item[1].snapshot_ref_type == SnapshotRefType.BRANCH]
    for name, branch in branches:
        oldest = oldest_ms
        if branch.max_snapshot_age_ms is not None:
            oldest = now.timestamp() * 1000 - branch.max_snapshot_age_ms
        least = _min_snapshots(metadata, name, branch)
        ancestors = ancestors_of(metadata.snapshot_by_id(branch.snapshot_id), metadata)
        kept |= {s.snapshot_id for at, s in enumerate(ancestors) if at < least or s.timestamp_ms >= oldest}
    descended = {
        s.snapshot_id
        for _, branch in branches
        for s in ancestors_of(metadata.snapshot_by_id(branch.snapshot_id), metadata)
    }
    return [
        s.snapshot_id
        for s in metadata.snapshots
        if s.snapshot_id not in kept and (s.snapshot_id in descended or s.timestamp_ms < oldest_ms)
    ]


def _min_snapshots(metadata: TableMetadata, name: str, branch: SnapshotRef) -> int:
    if branch.min_snapshots_to_keep is not None:
        return branch.min_snapshots_to_keep
    given = metadata.properties.get("vacuum_min_snapshots_to_keep") if name == MAIN_BRANCH else None
    return int(given or _MIN_SNAPSHOTS)


def _files(iceberg: IcebergTable) -> set[str]:
    """Return the URIs of the files of the table: metadata, statistics, and the files of all snapshots."""
    metadata = iceberg.metadata
    found = {iceberg.metadata_location, *(entry.metadata_file for entry in metadata.metadata_log)}
    found |= {file.statistics_path for file in (*metadata.statistics, *metadata.partition_statistics)}
    found |= {snapshot.manifest_list for snapshot in metadata.snapshots}
    manifests = {m.manifest_path: m for s in metadata.snapshots for m in s.manifests(iceberg.io)}
    for path, manifest in manifests.items():
        entries = manifest.fetch_manifest_entry(iceberg.io, discard_deleted=True)
        found |= {path, *(entry.data_file.file_path for entry in entries)}
    return {s3_uri(uri) for uri in found}
