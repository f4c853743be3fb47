"""Policies of the records: statuses, sign-offs, proposals, ledger entries. Who writes them is what they are worth."""

from alphatrade_operator.admission.names import own_account
from alphatrade_operator.admission.policy import Must, Policy, Requests
from alphatrade_operator.admission.removal import DECOMMISSIONED_HERE
from alphatrade_operator.admission.requester import OPERATOR, PERSON, REMOVER, USER, granted, wildcard

_GOES_WITH_THE_NAMESPACE = f"variables.operator || (({REMOVER}) && variables.decommissioned)"
_KEPT = {"operator": OPERATOR, "decommissioned": DECOMMISSIONED_HERE}

STATUS = Policy(
    name="alphatrade-status",
    about="Only the operator writes a status.",
    requests=(Requests(("*/status",), ("CREATE", "UPDATE")),),
    musts=(Must(OPERATOR, "status: only the operator writes it; change spec instead"),),
)

SIGN_OFF = Policy(
    name="alphatrade-sign-off",
    about="A person signs as themselves, may approve that proposal, and never takes it back.",
    requests=(Requests(("signoffs",), ("CREATE", "UPDATE", "DELETE")),),
    variables={**_KEPT, "wildcard": wildcard()},
    musts=(
        Must(
            f"request.operation != 'CREATE' || ({PERSON})",
            f"only people sign off; {{{USER}}} is none: sign with a user of your own",
        ),
        Must(
            f"request.operation != 'CREATE' || object.spec.user == {USER}",
            f"spec.user: you are {{{USER}}} and sign as nobody else; write that name",
        ),
        Must(
            "request.operation != 'CREATE' || "
            f"({granted('approve', 'governanceproposals', name='object.spec.proposalRef.name')})",
            "needs verb approve on governanceproposals/{object.spec.proposalRef.name}; "
            "ask for a binding to role alphatrade-approver",
        ),
        Must("request.operation != 'UPDATE'", "a sign-off never changes; make another before the decision"),
        Must(
            f"request.operation != 'DELETE' || {_GOES_WITH_THE_NAMESPACE}",
            "a sign-off is a record and stays until its namespace is decommissioned: kubectl alphatrade decommission "
            "{request.namespace}",
        ),
    ),
)

_OWN = {source: own_account(source) for source in ("Reflection", "Evolution")}
PROPOSAL = Policy(
    name="alphatrade-proposal",
    about="The author of a proposal is who made it; machines propose only as themselves.",
    requests=(Requests(("governanceproposals",), ("CREATE",)),),
    musts=(
        Must(
            f"object.spec.author == {USER}",
            f"spec.author: you are {{{USER}}} and propose as nobody else; write that name",
        ),
        Must(
            f"object.spec.source != 'Human' || ({PERSON})",
            f"spec.source: Human is for people, and {{{USER}}} is none; propose with a user of your own",
        ),
        *(
            Must(
                f"object.spec.source != '{source}' || {USER}.matches({account})",
                f"spec.source: {source} is for the service accounts of its own pods; write Human",
            )
            for source, account in _OWN.items()
        ),
    ),
)

LEDGER = Policy(
    name="alphatrade-ledger",
    about="The operator alone appends to a ledger; nothing in it changes.",
    requests=(Requests(("policyledgerentries",), ("CREATE", "UPDATE", "DELETE")),),
    variables=_KEPT,
    musts=(
        Must(
            "request.operation != 'CREATE' || variables.operator",
            "the operator alone writes the ledger; make a GovernanceProposal instead",
        ),
        Must("request.operation != 'UPDATE'", "a ledger entry never changes"),
        Must(
            f"request.operation != 'DELETE' || {_GOES_WITH_THE_NAMESPACE}",
            "a ledger entry stays until its namespace is decommissioned: kubectl alphatrade decommission "
            "{request.namespace}",
        ),
    ),
)

RECORDS = (STATUS, SIGN_OFF, PROPOSAL, LEDGER)
