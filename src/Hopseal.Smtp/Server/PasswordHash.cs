namespace Hopseal.Smtp.Server;

/// <summary>A password as the server keeps it: salted PBKDF2-SHA-256 in the form SCRAM needs (RFC 5803), text
/// <c>SCRAM-SHA-256$iterations:salt$StoredKey:ServerKey</c>.</summary>
public sealed record PasswordHash;
