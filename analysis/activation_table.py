"""How peaky and how low in entropy activations are, tap by tap (Wang, Li & Vasconcelos 2021)."""

from itertools import cycle, product

import pandas as pd
import seaborn as sns
from matplotlib.figure import Figure

from analysis.look import style
from analysis.sample import factory
from analysis.style_plots import panel_grid

PLAIN = "none"  # no smoothing; as the bench calls it
SHOWN = "activation_entropy_share"
_PLACES = ["model", "taps", "place", "tap", "smoothing"]
_CONDITION = r"^(?P<taps>[^/]+)/(?P<place>\d+)/(?P<tap>[^/]+)(?:/(?P<smoothing>[^/]+))?$"
_LOOKS = (("-", "o"), ("--", "s"), (":", "^"))  # after each round of the ten colours
_Colour = tuple[float, float, float]


def activation_table(rows: pd.DataFrame) -> pd.DataFrame:
    """One line a model, tap and smoothing: ``activations.csv``; empty where nothing was measured.

    Columns: model, untrained networks among them; taps, the set; place of the tap in the forward
    pass, from 0; tap; smoothing, "none" for activations as they are; then the mean over pictures of
    each metric of ``bench.peakiness`` (entropies in nats, their share of an even map's in [0, 1],
    maxima, maximum over mean; of the activations and of their Gram matrix); n, pictures.
    """
    measured = rows[rows["suite"] == "activations"]
    if measured.empty:
        return pd.DataFrame()
    facts = measured.join(measured["condition"].str.extract(_CONDITION))
    facts = facts.assign(
        place=pd.to_numeric(facts["place"]), smoothing=facts["smoothing"].fillna(PLAIN)
    )
    groups = facts.groupby(_PLACES)
    found = groups["case"].nunique().rename("n").to_frame()
    means = facts.pivot_table(index=_PLACES, columns="metric", values="value")
    return means.join(found).reset_index()


def entropy_over_depth(found: pd.DataFrame, table: pd.DataFrame) -> Figure:
    """Entropy's share of an even map's over the taps, a panel an architecture, a line a network.

    A training has one colour in all panels. Of matched nets the colour is the downsampling, dashes
    are residual connections and squares batch norm.

    Args:
        found: ``activation_table``; of several sets of taps the first is drawn, without smoothing.
        table: the model table, for the switches of matched nets.
    """
    plain = found[(found["smoothing"] == PLAIN) & (found["taps"] == found["taps"].iloc[0])]
    names = plain["model"].str.partition(".")
    plain = plain.assign(arch=names[0], weights=names[2])
    looks = _looks(plain, factory(table).set_index("model"))
    archs = sorted(plain["arch"].unique())
    with style():
        drawn, panels, _ = panel_grid(len(archs), 2.9, 2.4)
        labelled = {}
        for ax, arch in zip(panels, archs, strict=True):
            for weights, line in plain[plain["arch"] == arch].groupby("weights"):
                colour, dash, marker = looks[str(weights)]
                line = line.sort_values("place")
                (labelled[str(weights)],) = ax.plot(
                    line["place"], line[SHOWN], color=colour, ls=dash, marker=marker, ms=4, lw=1.4,
                    label=str(weights),
                )  # fmt: skip
            ax.set(title=arch, xticks=sorted(plain["place"].unique()))
        drawn.supxlabel("tap, from the picture on", fontsize=10)
        drawn.supylabel("entropy of activations,\nshare of an even map's", fontsize=10)
        shown = [labelled[name] for name in looks]
        drawn.legend(handles=shown, loc="outside right upper", title="weights", title_fontsize=8)
    return drawn


def _looks(plain: pd.DataFrame, nets: pd.DataFrame) -> dict[str, tuple[_Colour, str, str]]:
    """Colour, dash and marker of each kind of weights; those in most panels come first."""
    colours = sns.color_palette("colorblind")
    panels = plain.groupby("weights")["arch"].nunique()
    ordered: list[str] = sorted(map(str, panels.index), key=lambda name: (-panels[name], name))
    cells = plain[plain["model"].isin(nets.index)].groupby("weights")["model"].first()
    kinds = sorted(set(nets["downsampling"]))
    trainings = [name for name in ordered if name not in cells.index]
    rounds = cycle(product(_LOOKS, colours))
    looks = {name: (colour, *rest) for name, (rest, colour) in zip(trainings, rounds, strict=False)}
    for name in (name for name in ordered if name in cells.index):
        net = nets.loc[cells[name]]
        colour = colours[kinds.index(net["downsampling"]) % len(colours)]
        looks[name] = (colour, "--" if net["residual"] else "-", "s" if net["batch_norm"] else "^")
    return looks
