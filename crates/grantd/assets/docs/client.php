<?php
// Keep the token for `expires_in` seconds, less one minute.
function token(): string
{
    $curl = curl_init('@TOKEN_ENDPOINT@');
    curl_setopt_array($curl, [
        CURLOPT_RETURNTRANSFER => true,
        CURLOPT_USERPWD => getenv('CLIENT_ID') . ':' . getenv('CLIENT_SECRET'),
        CURLOPT_POSTFIELDS => http_build_query([
            'grant_type' => 'client_credentials',
            'scope' => '@SCOPE@',
        ]),
    ]);
    $said = json_decode((string) curl_exec($curl), true);
    if (!isset($said['access_token'])) {
        throw new RuntimeException($said['error_description'] ?? curl_error($curl));
    }
    return $said['access_token'];
}

$curl = curl_init(getenv('API_URL'));
curl_setopt_array($curl, [
    CURLOPT_RETURNTRANSFER => true,
    CURLOPT_HTTPHEADER => ['Authorization: Bearer ' . token()],
]);
echo curl_exec($curl), "\n";
