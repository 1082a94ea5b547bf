package grantd;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import org.springframework.security.oauth2.client.AuthorizedClientServiceOAuth2AuthorizedClientManager;
import org.springframework.security.oauth2.client.InMemoryOAuth2AuthorizedClientService;
import org.springframework.security.oauth2.client.OAuth2AuthorizeRequest;
import org.springframework.security.oauth2.client.OAuth2AuthorizedClientProviderBuilder;
import org.springframework.security.oauth2.client.registration.ClientRegistration;
import org.springframework.security.oauth2.client.registration.ClientRegistrations;
import org.springframework.security.oauth2.client.registration.InMemoryClientRegistrationRepository;
import org.springframework.security.oauth2.core.AuthorizationGrantType;
import org.springframework.security.oauth2.core.ClientAuthenticationMethod;
import org.springframework.security.oauth2.core.OAuth2AccessToken;

/** The server under test, as `cargo xtask clients` tells it, asked as Spring asks. */
final class Server {
  static final String ISSUER = System.getenv("GRANTD_TEST_ISSUER");
  static final JsonNode CLIENTS = clients();

  private Server() {}

  static String id(String name) {
    return CLIENTS.get(name).get("client_id").asText();
  }

  /** Its token address is discovered from the issuer. */
  static ClientRegistration.Builder registration(String name, ClientAuthenticationMethod method) {
    return ClientRegistrations.fromIssuerLocation(ISSUER)
        .registrationId("grantd")
        .authorizationGrantType(AuthorizationGrantType.CLIENT_CREDENTIALS)
        .clientAuthenticationMethod(method)
        .clientId(id(name))
        .clientSecret(CLIENTS.get(name).get("client_secret").asText());
  }

  static OAuth2AccessToken token(ClientRegistration.Builder registration) {
    var known = new InMemoryClientRegistrationRepository(registration.build());
    var manager =
        new AuthorizedClientServiceOAuth2AuthorizedClientManager(
            known, new InMemoryOAuth2AuthorizedClientService(known));
    manager.setAuthorizedClientProvider(
        OAuth2AuthorizedClientProviderBuilder.builder().clientCredentials().build());
    var request =
        OAuth2AuthorizeRequest.withClientRegistrationId("grantd").principal("trial").build();
    return manager.authorize(request).getAccessToken();
  }

  private static JsonNode clients() {
    try {
      return new ObjectMapper().readTree(System.getenv("GRANTD_TEST_CLIENTS"));
    } catch (IOException error) {
      throw new IllegalStateException("GRANTD_TEST_CLIENTS: run `cargo xtask clients java`", error);
    }
  }
}
