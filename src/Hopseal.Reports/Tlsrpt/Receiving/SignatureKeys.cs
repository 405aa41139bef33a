using System.Collections.Immutable;
using Hopseal.Dns;
using MimeKit.Cryptography;
using Org.BouncyCastle.Crypto;
using Org.BouncyCastle.Crypto.Parameters;

namespace Hopseal.Reports.Tlsrpt.Receiving;

/// <summary>The keys of signatures, out of DNS (RFC 6376 §3.6.2).</summary>
sealed class SignatureKeys(IDnsResolver resolver) : DkimPublicKeyLocatorBase
{
    /// <summary>What is longer holds no key that anybody uses, and costs time to look at.</summary>
    const int MostCharacters = 4096;

    /// <summary>RFC 8301 §3.2 wants 4096 to be verified. The time that a larger one takes is whoever publishes it to choose.</summary>
    const int MostBits = 4096;

    public override AsymmetricKeyParameter LocatePublicKey(string methods, string domain, string selector, CancellationToken cancellationToken = default) =>
        throw new NotSupportedException("keys are looked for asynchronously");

    /// <exception cref="KeyUnknownException">DNS did not answer.</exception>
    /// <exception cref="KeyRefusedException">There is none, or none that can be used.</exception>
    public override async Task<AsymmetricKeyParameter> LocatePublicKeyAsync(
        string methods, string domain, string selector, CancellationToken cancellationToken = default)
    {
        if (!DomainName.TryParse($"{selector}._domainkey.{domain}", out var name))
        {
            throw new KeyRefusedException("the signature names a key that no name can have");
        }

        return await resolver.TxtAsync(name, cancellationToken) switch
        {
            DnsAnswer<string>.Found found => Read(found.Records, name),
            DnsAnswer<string>.NoData or DnsAnswer<string>.NameError => throw new KeyRefusedException($"there is no key at {name}"),
            DnsAnswer<string>.Failed failed => throw new KeyUnknownException($"the key at {name} cannot be had: {failed.Detail}"),
            var unknown => throw new InvalidOperationException($"unknown answer {unknown}"),
        };
    }

    /// <summary>RFC 6376 §3.6.1. Several records are undefined (RFC 6376 §3.6.2.2); the first one that looks like a key is taken.</summary>
    static AsymmetricKeyParameter Read(ImmutableArray<string> texts, DomainName name)
    {
        var text = texts.FirstOrDefault(text => SignatureTags.Read(text).ContainsKey("p")) ?? throw new KeyRefusedException($"there is no key at {name}");
        var tags = SignatureTags.Read(text);
        if (text.Length > MostCharacters)
        {
            throw new KeyRefusedException($"the key at {name} is too large");
        }

        if (tags.GetValueOrDefault("p") is "")
        {
            throw new KeyRefusedException($"the key at {name} is revoked");
        }

        // RFC 8460 §3 wants "tlsrpt" among them; that it may be missing is left to the receiver, and many keys are for mail as such.
        var services = tags.GetValueOrDefault("s", "*").Split(':').Select(service => service.Trim()).ToArray();
        if (!services.Any(service => service is "*" or "email" or "tlsrpt"))
        {
            throw new KeyRefusedException($"the key at {name} is not for reports");
        }

        AsymmetricKeyParameter key;
        try
        {
            key = GetPublicKey(text);
        }
#pragma warning disable CA1031 // Whatever is published there ends here: what MimeKit and the reader of keys throw for it is not listed.
        catch (Exception e)
#pragma warning restore CA1031
        {
            throw new KeyRefusedException($"the key at {name} cannot be read", e);
        }

        return key is RsaKeyParameters rsa && (rsa.Modulus.BitLength > MostBits || rsa.Exponent.BitLength > 64)
            ? throw new KeyRefusedException($"the key at {name} is larger than {MostBits} bits")
            : key;
    }
}

/// <summary>DNS did not say what the key is; it may do so later.</summary>
sealed class KeyUnknownException(string message) : Exception(message);

/// <summary>There is no key by which the signature can be verified.</summary>
sealed class KeyRefusedException(string message, Exception? inner = null) : Exception(message, inner);
