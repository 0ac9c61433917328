const apiKey = process.env.SUBCLIP_API_KEY;
const uploads = await fetch("https://www.subclip.app/api/v1/media-render/uploads", {
method: "POST",
headers: {
Authorization: `Bearer ${apiKey}`,
"Content-Type": "application/json",
},
body: JSON.stringify({
projectName: "Launch montage",
files: [
{ fileName: "intro.mp4", contentType: "video/mp4", fileSize: 52428800, durationSeconds: 12 },
{ fileName: "product.png", contentType: "image/png", fileSize: 2048000 },
],
}),
}).then((r) => r.json());
// Upload every file to its matching uploads.uploads[i].uploadUrl.
// The API creates assetId, objectKey, directoryPrefix, and uploadUrl for every file in bulk.
// For Node streams, set Content-Length and duplex: "half".
await fetch("https://www.subclip.app/api/v1/media-render/jobs", {
method: "POST",
headers: {
Authorization: `Bearer ${apiKey}`,
"Content-Type": "application/json",
},
body: JSON.stringify({
projectId: uploads.projectId,
instructions: "Make a fast launch montage.",
aspectRatio: "9:16",
aiAnalysis: true,
visionAnalysis: true,
textOnScreen: true,
assetDurations: [
{ fileName: "intro.mp4", durationSeconds: 4 },
{ fileName: "product.png", durationSeconds: 3 },
],
bgm: true,
bgmQuery: "upbeat product launch background music",
sfx: true,
sfxTypes: ["click", "camera-shutter"],
transitionTypes: ["crossfade", "zoom-in", "light-leak"],
}),
});
let job;
do {
await new Promise((resolve) => setTimeout(resolve, 5000));
job = await fetch(`https://www.subclip.app/api/v1/media-render/jobs/${uploads.projectId}`, {
headers: { Authorization: `Bearer ${apiKey}` },
}).then((r) => r.json());
} while (job.status !== "completed" && job.status !== "failed");
if (job.status === "failed") throw new Error(job.errorMessage || "Render failed");
const download = await fetch(`https://www.subclip.app/api/v1/media-render/jobs/${uploads.projectId}/download`, {
headers: { Authorization: `Bearer ${apiKey}` },
}).then((r) => r.json());
console.log(download.downloadUrl);
