const uploads = await fetch("$HOST/api/v1/media-render/uploads", {
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
