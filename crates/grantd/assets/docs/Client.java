import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse.BodyHandlers;
import java.util.Base64;
import java.util.regex.Pattern;

public class Client {
    static final HttpClient HTTP = HttpClient.newHttpClient();

    // Keep the token for `expires_in` seconds, less one minute.
    static String token() throws Exception {
        String key = System.getenv("CLIENT_ID") + ":" + System.getenv("CLIENT_SECRET");
        HttpRequest request = HttpRequest.newBuilder(URI.create("@TOKEN_ENDPOINT@"))
            .header("Authorization", "Basic " + Base64.getEncoder().encodeToString(key.getBytes()))
            .header("Content-Type", "application/x-www-form-urlencoded")
            .POST(BodyPublishers.ofString("grant_type=client_credentials&scope=@SCOPE@"))
            .build();
        String said = HTTP.send(request, BodyHandlers.ofString()).body();
        // Any JSON library does; this needs none.
        var found = Pattern.compile("\"access_token\":\"([^\"]+)\"").matcher(said);
        if (!found.find()) throw new IllegalStateException(said);
        return found.group(1);
    }

    public static void main(String[] args) throws Exception {
        HttpRequest call = HttpRequest.newBuilder(URI.create(System.getenv("API_URL")))
            .header("Authorization", "Bearer " + token())
            .build();
        System.out.println(HTTP.send(call, BodyHandlers.ofString()).body());
    }
}
