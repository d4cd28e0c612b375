"""The verdict of a diagnosis as a part of a page, or of a notebook; it draws nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from chainrule.html_page.markup import Html, prose, text

if TYPE_CHECKING:
    from chainrule.diagnosis.verdict import Diagnosis


def verdict(found: Diagnosis) -> Html:
    """Return the verdict: what is wrong, what says so, what to change.

    Parameters
    ----------
    found
        What `diagnose` returned.

    Examples
    --------
    >>> net = cr.Network(1, [cr.Dense(1)], loss="squared_error")
    >>> X = np.linspace(-1, 1, 40)[:, None]
    >>> print(verdict(cr.diagnose(net, net.init(0), X, X)))
    <p>Nothing found. The cost is ...
    """
    if not found.findings:
        return Html(f"<p>{text(found.nothing_found)}</p>")
    items = "".join(
        f"<li><strong>{text(each.title)}:</strong> {prose(each.evidence)}. "
        f'<span class="mend">To mend it: {prose(each.change)}.</span></li>'
        for each in found.findings
    )
    return Html(f'<ol class="verdict">{items}</ol>')
