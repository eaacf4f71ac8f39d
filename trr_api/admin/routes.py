"""/admin: thin routes over `trr_crawl.catalog.review`, which the commands use too."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated, Any
from uuid import UUID

from fastapi import Depends, Path, Query, Request, Response
from psycopg import Connection

from trr_api import keys, routing
from trr_api.admin.schemas import (
    Candidate,
    Coverage,
    Explanation,
    Explanations,
    FieldCoverage,
    Join,
    KindParameters,
    NewOverride,
    Override,
    Overrides,
    Proposal,
    Proposals,
    ProposalsParameters,
)
from trr_api.catalog.places import Id, id_of
from trr_api.deps import needs
from trr_api.parameters import Parameters
from trr_api.reviewing import Conflicts, ConflictsParameters, Kind, conflicts, reviewed
from trr_crawl.catalog import review

router = routing.router("/admin", "admin", max_body_size=routing.LARGEST_BODY)

Reader = Annotated[keys.Key, Depends(needs("review:read"))]
Overrider = Annotated[keys.Key, Depends(needs("overrides:write"))]
Identifier = Annotated[keys.Key, Depends(needs("identity:write"))]
Entity = Annotated[Id, id_of("thing")]
Field = Annotated[str, Path(pattern="^[a-z_]{1,60}$", examples=["end_year"])]
Number = Annotated[int, Path(ge=1, le=2**63 - 1, examples=[12])]


@router.get("/conflicts", response_model=Conflicts, summary="Where sources contradict each other")
async def list_conflicts(request: Request, _: Reader, asked: Annotated[ConflictsParameters, Query()]) -> Conflicts:
    """By field; texts that differ in case or spaces alone agree."""
    return await conflicts(request, asked)


@router.get("/coverage", response_model=Coverage, summary="How much each source tells")
async def list_coverage(request: Request, _: Reader, asked: Annotated[KindParameters, Query()]) -> Coverage:
    """Field by field, of all records that are not gone."""
    found = await reviewed(request, lambda connection: review.coverage(connection, [asked.kind]))
    return Coverage(
        data=[
            FieldCoverage(kind=kind, field=field, source=source, told=told, records=records)
            for kind, field, source, told, records in found
        ]
    )


@router.get("/{kind}/{entity}/explanation", response_model=Explanations, summary="Why fields are what they are")
async def explain(
    request: Request, _: Reader, kind: Kind, entity: Entity, __: Annotated[Parameters, Query()]
) -> Explanations:
    """What each source says of each field, in the order in which their word counts."""

    def work(connection: Connection[Any]) -> list[review.Explanation]:
        return review.explain(connection, kind, review.find(connection, kind, str(entity)))

    found = await reviewed(request, work, refused="not-found")
    return Explanations(
        data=[
            Explanation(
                field=field.field,
                value=field.value,
                winner=field.winner,
                candidates=[Candidate(**asdict(candidate)) for candidate in field.candidates],
                override=None if field.override is None else dict(field.override),
            )
            for field in found
        ]
    )


@router.get("/overrides", response_model=Overrides, summary="What editors set")
async def list_overrides(request: Request, _: Reader, __: Annotated[Parameters, Query()]) -> Overrides:
    """All overrides."""
    found = await reviewed(request, review.overrides)
    return Overrides(
        data=[
            Override(kind=kind, entity_id=entity, field=field, value=value, note=note, author=author)
            for kind, entity, field, value, note, author in found
        ]
    )


@router.put("/{kind}/{entity}/overrides/{field}", status_code=204, summary="Set a field against every source")
async def set_override(
    request: Request, key: Overrider, kind: Kind, entity: Entity, field: Field, wanted: NewOverride
) -> Response:
    """It beats every source and survives every crawl. The author is the key's name."""

    def work(connection: Connection[Any]) -> None:
        found = review.find(connection, kind, str(entity))
        review.override(connection, kind, found, field, wanted.value, note=wanted.note, author=key.name)

    await reviewed(request, work)
    return Response(status_code=204)


@router.delete("/{kind}/{entity}/overrides/{field}", status_code=204, summary="Let the sources speak again")
async def unset_override(request: Request, _: Overrider, kind: Kind, entity: Entity, field: Field) -> Response:
    """Takes an override back."""

    def work(connection: Connection[Any]) -> None:
        review.unset(connection, kind, review.find(connection, kind, str(entity)), field)

    await reviewed(request, work, refused="not-found")
    return Response(status_code=204)


@router.get("/proposals", response_model=Proposals, summary="Pairs that may be one thing")
async def list_proposals(request: Request, _: Reader, asked: Annotated[ProposalsParameters, Query()]) -> Proposals:
    """Likeliest first."""
    found = await reviewed(request, lambda connection: review.proposals(connection, asked.state))
    return Proposals(
        data=[
            Proposal(id=number, kind=kind, entity_id=one, other_id=other, score=score, evidence=evidence)
            for number, kind, one, other, score, evidence in found
        ]
    )


@router.post("/proposals/{number}/accept", response_model=Join, summary="Make two things one")
async def accept_proposal(request: Request, key: Identifier, number: Number) -> Join:
    """The id of the one that goes leads to the other from now on."""
    join: UUID = await reviewed(
        request, lambda connection: review.accept(connection, number, author=key.name), refused="not-found"
    )
    return Join(id=join)


@router.post("/proposals/{number}/reject", status_code=204, summary="Two things stay two")
async def reject_proposal(request: Request, key: Identifier, number: Number) -> Response:
    """The pair is never proposed again."""
    await reviewed(request, lambda connection: review.reject(connection, number, author=key.name), refused="not-found")
    return Response(status_code=204)
