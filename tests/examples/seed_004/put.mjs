import { createReadStream, statSync } from "node:fs";
const stats = statSync("./intro.mp4");
await fetch(uploadUrl, {
method: "PUT",
headers: {
"Content-Type": "video/mp4",
"Content-Length": String(stats.size),
},
body: createReadStream("./intro.mp4"),
duplex: "half",
});
