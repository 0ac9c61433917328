DOWNLOAD_JSON=$(curl -s $HOST/api/v1/media-render/jobs/mrproj_.../download \
-H "Authorization: Bearer $KEY")
DOWNLOAD_URL=$(echo "$DOWNLOAD_JSON" | jq -r '.downloadUrl')
curl -L "$DOWNLOAD_URL" -o rendered.mp4
