package grantd;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Set;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.springframework.security.oauth2.client.ClientAuthorizationException;
import org.springframework.security.oauth2.core.ClientAuthenticationMethod;
import org.springframework.security.oauth2.core.OAuth2AccessToken.TokenType;
import org.springframework.web.client.HttpClientErrorException;

/** Spring Security as a client: both ways to send a secret. */
class ClientTest {
  static Stream<ClientAuthenticationMethod> methods() {
    return Stream.of(
        ClientAuthenticationMethod.CLIENT_SECRET_BASIC,
        ClientAuthenticationMethod.CLIENT_SECRET_POST);
  }

  static Stream<Arguments> clients() {
    return methods()
        .flatMap(
            method ->
                Stream.of("RS256", "PS256", "ES256", "EdDSA", "legacy")
                    .map(name -> Arguments.of(name, method)));
  }

  @ParameterizedTest
  @MethodSource("clients")
  void aTokenIsGot(String name, ClientAuthenticationMethod method) {
    var token = Server.token(Server.registration(name, method));
    assertEquals(TokenType.BEARER, token.getTokenType());
    assertEquals(Set.of("invoices.read", "view_schools"), token.getScopes());
  }

  @Test
  void aScopeIsAskedFor() {
    var method = ClientAuthenticationMethod.CLIENT_SECRET_BASIC;
    var token = Server.token(Server.registration("RS256", method).scope("view_schools"));
    assertEquals(Set.of("view_schools"), token.getScopes());
  }

  @ParameterizedTest
  @MethodSource("methods")
  void oneScopeTooManyIsInvalidScope(ClientAuthenticationMethod method) {
    var asked = Server.registration("RS256", method).scope("view_schools", "nope");
    var refused = assertThrows(ClientAuthorizationException.class, () -> Server.token(asked));
    assertEquals("invalid_scope", refused.getError().getErrorCode());
  }

  /** Spring reads an OAuth error only from a 400; of a 401 it keeps the body, one cause deeper. */
  @ParameterizedTest
  @MethodSource("methods")
  void aWrongSecretIsA401(ClientAuthenticationMethod method) {
    var asked = Server.registration("RS256", method).clientSecret("wrong");
    var refused = assertThrows(ClientAuthorizationException.class, () -> Server.token(asked));
    var cause =
        assertInstanceOf(
            HttpClientErrorException.Unauthorized.class, refused.getCause().getCause());
    assertTrue(cause.getResponseBodyAsString().contains("\"invalid_client\""));
  }
}
