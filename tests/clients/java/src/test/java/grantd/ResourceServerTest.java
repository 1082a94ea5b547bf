package grantd;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Objects;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.springframework.security.oauth2.core.ClientAuthenticationMethod;
import org.springframework.security.oauth2.jose.jws.SignatureAlgorithm;
import org.springframework.security.oauth2.jwt.JwtClaimValidator;
import org.springframework.security.oauth2.jwt.JwtDecoder;
import org.springframework.security.oauth2.jwt.JwtDecoders;
import org.springframework.security.oauth2.jwt.JwtException;
import org.springframework.security.oauth2.jwt.JwtValidators;
import org.springframework.security.oauth2.jwt.NimbusJwtDecoder;

/**
 * Spring Security as a resource server. It knows RSA and EC signatures, and by itself only tokens
 * of the type {@code JWT}; RFC 9068 tokens need the decoder below.
 */
class ResourceServerTest {
  static JwtDecoder decoder(NimbusJwtDecoder.JwkSetUriJwtDecoderBuilder keys, String audience) {
    var decoder = keys.validateType(false).build();
    decoder.setJwtValidator(
        JwtValidators.createAtJwtValidator()
            .issuer(Server.ISSUER)
            .audience(audience)
            // Whoever it is: an API serves many clients.
            .validators(
                all ->
                    all.put("client_id", new JwtClaimValidator<>("client_id", Objects::nonNull)))
            .build());
    return decoder;
  }

  static String token(String name) {
    var method = ClientAuthenticationMethod.CLIENT_SECRET_BASIC;
    return Server.token(Server.registration(name, method)).getTokenValue();
  }

  @ParameterizedTest
  @ValueSource(strings = {"RS256", "PS256", "ES256"})
  void aTokenIsVerifiedWithTheKeysOfTheIssuer(String alg) {
    var keys = NimbusJwtDecoder.withIssuerLocation(Server.ISSUER);
    var verified = decoder(keys, Server.ISSUER).decode(token(alg));
    assertEquals(Server.id(alg), verified.getSubject());
    assertEquals("invoices.read view_schools", verified.getClaimAsString("scope"));
  }

  @ParameterizedTest
  @ValueSource(strings = {"RS256", "PS256", "ES256"})
  void aTokenIsVerifiedWithTheKeysOfAnAddress(String alg) {
    var address = Server.ISSUER + "/.well-known/jwks.json";
    var keys =
        NimbusJwtDecoder.withJwkSetUri(address).jwsAlgorithm(SignatureAlgorithm.from(alg));
    var verified = decoder(keys, Server.ISSUER).decode(token(alg));
    assertEquals(Server.id(alg), verified.getClaimAsString("client_id"));
  }

  @Test
  void aTokenForAnotherAudienceIsRefused() {
    var decoder =
        decoder(NimbusJwtDecoder.withIssuerLocation(Server.ISSUER), "https://other.example");
    assertThrows(JwtException.class, () -> decoder.decode(token("RS256")));
  }

  /** Should this fail one day, then Spring has learned RFC 9068, and the decoder above can go. */
  @Test
  void theUsualDecoderRefusesTheTypeOfAccessTokens() {
    JwtDecoder usual = JwtDecoders.fromIssuerLocation(Server.ISSUER);
    var refused = assertThrows(JwtException.class, () -> usual.decode(token("RS256")));
    assertTrue(refused.getMessage().contains("typ"));
  }
}
