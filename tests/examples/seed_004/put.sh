curl -X PUT "$UPLOAD_URL" \
-H "Content-Type: video/mp4" \
-H "Content-Length: 52428800" \
--data-binary "@intro.mp4"
