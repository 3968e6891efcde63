// Every page of the inspector loads this one; it starts what the page has.

import { startLive } from "./live.js";

for (const root of document.querySelectorAll(".aq-live")) startLive(root); // before charts change what it compares
if (document.querySelector(".aq-chart")) import("./charts.js").then((charts) => charts.startCharts());
