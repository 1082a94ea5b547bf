TOKEN=$(curl -sS --fail-with-body -u "$CLIENT_ID:$CLIENT_SECRET" \
  -d grant_type=client_credentials -d scope=@SCOPE@ \
  @TOKEN_ENDPOINT@ | sed -n 's/.*"access_token":"\([^"]*\)".*/\1/p')

curl -sS --fail-with-body -H "Authorization: Bearer $TOKEN" "$API_URL"
