"""The look of the HTML report: one style sheet, no script, no file or font from elsewhere."""

STYLE = """
:root {
  color-scheme: light dark;
  --paper: #fbf9f4; --card: #ffffff; --ink: #26221d; --quiet: #756d62; --rule: #e3ddd0;
  --blue: #24507a; --wash: #dbe6f0; --red: #a8281e; --red-wash: #f7dcd6; --green-wash: #dcebd9;
}
@media (prefers-color-scheme: dark) {
  :root {
    --paper: #1b1a18; --card: #242320; --ink: #ece7dd; --quiet: #a39a8c; --rule: #3a3833;
    --blue: #8fb8dd; --wash: #2b3c4c; --red: #f0958a; --red-wash: #562b26; --green-wash: #2d4430;
  }
}
* { box-sizing: border-box; }
body {
  margin: 0; background: var(--paper); color: var(--ink);
  font: 15px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", "DejaVu Sans", sans-serif;
  font-variant-numeric: tabular-nums;
}
main { max-width: 68rem; margin: 0 auto; padding: 2.5rem 1.5rem 4rem; }
h1, h2 { font-family:
  Charter, "Bitstream Charter", "Iowan Old Style", Palatino, Georgia, "DejaVu Serif", serif; }
h1 { font-size: 2rem; font-weight: 600; line-height: 1.2; margin: 0; }
h2 { font-size: 1.3rem; font-weight: 600; margin: 3rem 0 .3rem; padding-top: .9rem;
     border-top: 1px solid var(--rule); }
p { margin: .3rem 0 1rem; max-width: 46rem; }
.quiet, figcaption, th, .unit { color: var(--quiet); }
.cards { display: grid; grid-template-columns: repeat(auto-fit, minmax(9.6rem, 1fr)); gap: .8rem;
         margin: 1.6rem 0 0; }
.card { background: var(--card); border: 1px solid var(--rule); border-radius: .5rem;
        padding: .8rem 1rem .9rem; }
.card b { display: block; font-size: 1.9rem; font-weight: 600; line-height: 1.25; letter-spacing: -.01em; }
.card.bad b { color: var(--red); }
.unit { font-size: .55em; font-weight: 400; font-style: normal; letter-spacing: 0; }
.card span, .card small { display: block; color: var(--quiet); font-size: .8rem; line-height: 1.4; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; }
th, td { text-align: right; white-space: nowrap; padding: .32rem .7rem .32rem 0; }
th { font-weight: 500; font-size: .82rem; }
td { border-top: 1px solid var(--rule); }
th:first-child, td:first-child { text-align: left; white-space: normal; overflow-wrap: anywhere;
                                 min-width: 9rem; }
th.bar, td.bar { width: 26%; text-align: left; }
tr.total td { font-weight: 600; border-top: 2px solid var(--quiet); }
tr.rest td { border-top: 1px solid var(--rule); }
.trough { fill: var(--rule); opacity: .5; }
.fill { fill: var(--blue); opacity: .75; }
.whisker { stroke: var(--ink); stroke-width: 1.5; }
td svg { display: block; width: 100%; height: 1rem; overflow: visible; }
summary { cursor: pointer; color: var(--blue); padding: .4rem 0; }
figure { margin: 1rem 0 0; padding: .9rem 1rem; background: var(--card); border: 1px solid var(--rule);
         border-radius: .5rem; break-inside: avoid; }
figure img { display: block; max-width: 100%; height: auto; border-radius: .2rem; }
figcaption { font-size: .8rem; margin-top: .5rem; overflow-wrap: anywhere; }
dl { display: grid; grid-template-columns: 4rem 1fr; margin: .6rem 0 0; gap: .1rem .6rem; }
dt { color: var(--quiet); font-size: .82rem; padding-top: .12rem; }
dd, .glyph { font-family: Junicode, Charter, "Bitstream Charter", "Iowan Old Style", Palatino, Georgia,
             "Noto Serif", "DejaVu Serif", serif; }
dd { margin: 0; font-size: 1.05rem; overflow-wrap: anywhere; white-space: pre-wrap; }
del, ins { text-decoration: none; border-radius: .15rem; padding: 0 .08em; }
del { background: var(--green-wash); }
ins { background: var(--red-wash); }
.gap { color: var(--red); }
.confusions { list-style: none; padding: 0; margin: .8rem 0 0; display: grid; gap: .35rem .6rem;
              grid-template-columns: repeat(auto-fill, minmax(8.6rem, 1fr)); }
.confusions li { display: flex; align-items: baseline; gap: .45rem; padding: .2rem .65rem;
                 background: var(--card); border: 1px solid var(--rule); border-radius: .4rem; }
.confusions .glyph { font-size: 1.15rem; min-width: 1.1em; text-align: center; }
.confusions span:last-child { margin-left: auto; color: var(--quiet); font-size: .85rem; }
.plot { display: flex; flex-wrap: wrap; gap: 1.5rem 2.5rem; align-items: center; }
.plot svg { flex: 0 0 19rem; width: 19rem; height: 19rem; font-size: 11px; fill: var(--quiet); }
.calibration { flex: 0 0 19rem; align-self: flex-start; font-size: .85rem; }
.failed th, .failed td { text-align: left; white-space: normal; overflow-wrap: anywhere; }
footer { margin-top: 3.5rem; padding-top: 1rem; border-top: 1px solid var(--rule); font-size: .85rem; }
@media print { main { max-width: none; padding: 0; } summary { display: none; } }
"""
