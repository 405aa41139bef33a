using System.Globalization;
using Hopseal.Dns;
using MimeKit;
using MimeKit.Cryptography;

namespace Hopseal.Reports.Tlsrpt.Receiving;

/// <summary>Looks who stands for a report that came by mail (RFC 8460 §3): whose DKIM signature over the whole message holds.</summary>
public sealed class ReportSignature(IDnsResolver resolver, TimeProvider clock)
{
    /// <summary>Anybody may add signatures; each costs a look-up and a calculation.</summary>
    const int MostSignatures = 5;

    static readonly TimeSpan s_patience = TimeSpan.FromSeconds(10);

    readonly DkimVerifier _verifier = new(new SignatureKeys(resolver));

    /// <summary>The best that any of its signatures proves. Never throws for what is in the message or in DNS.</summary>
    /// <param name="octets">As it was received.</param>
    public async ValueTask<ReportProof> CheckAsync(ReadOnlyMemory<byte> octets, CancellationToken cancel)
    {
        MimeMessage message;
        try
        {
            message = Mail.ReportMail.ParseFlat(octets);
        }
        catch (FormatException)
        {
            return new ReportProof.Unsigned();
        }

        using (message)
        {
            var author = AuthorOf(message);
            var signatures = message.Headers.Where(header => header.Id is HeaderId.DkimSignature)
                .OrderByDescending(header => IsAligned(author, SignerOf(SignatureTags.Read(header.Value))))
                .Take(MostSignatures).ToArray();
            using var limit = new CancellationTokenSource(s_patience, clock);
            using var either = CancellationTokenSource.CreateLinkedTokenSource(limit.Token, cancel);
            ReportProof best = new ReportProof.Unsigned();
            foreach (var signature in signatures)
            {
                var proof = await CheckAsync(message, signature, author, either.Token, cancel);
                best = Rank(proof) > Rank(best) ? proof : best;
                if (best is ReportProof.Signed)
                {
                    break;
                }
            }

            return best;
        }
    }

    async ValueTask<ReportProof> CheckAsync(MimeMessage message, Header signature, DomainName? author, CancellationToken either, CancellationToken cancel)
    {
        var tags = SignatureTags.Read(signature.Value);
        if (SignerOf(tags) is not { } signer)
        {
            return new ReportProof.Broken("its signature names no domain");
        }

        if (tags.ContainsKey("l"))
        {
            return new ReportProof.Broken($"the signature of {signer} covers a part of the message only (l=)");
        }

        if (tags.TryGetValue("x", out var expires) && IsPast(expires))
        {
            return new ReportProof.Broken($"the signature of {signer} has expired");
        }

        try
        {
            return !await _verifier.VerifyAsync(message, signature, either) ? new ReportProof.Broken($"the signature of {signer} does not fit the message")
                : IsAligned(author, signer) ? new ReportProof.Signed(signer)
                : new ReportProof.SignedByAnother(signer);
        }
        catch (KeyUnknownException e)
        {
            return new ReportProof.Unknown(ReportText.Clean(e.Message, out _));
        }
        catch (KeyRefusedException e)
        {
            return new ReportProof.Broken(ReportText.Clean(e.Message, out _));
        }
        catch (OperationCanceledException) when (!cancel.IsCancellationRequested)
        {
            return new ReportProof.Unknown($"DNS took longer than {s_patience.TotalSeconds.ToString(CultureInfo.InvariantCulture)} s");
        }
#pragma warning disable CA1031 // Whatever a signature or a key can hold ends here: what MimeKit and its cryptography throw for it is not listed.
        catch (Exception e) when (e is not OperationCanceledException)
#pragma warning restore CA1031
        {
            return new ReportProof.Broken($"the signature of {signer} cannot be read");
        }
    }

    /// <summary>Seconds since 1970 (RFC 6376 §3.5); what is no number has no meaning.</summary>
    bool IsPast(string text) =>
        long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var seconds) && seconds < clock.GetUtcNow().ToUnixTimeSeconds();

    static DomainName? SignerOf(Dictionary<string, string> tags) => DomainName.TryParse(tags.GetValueOrDefault("d"), out var signer) ? signer : null;

    /// <summary>Null where there is not exactly one author: then nobody can be taken for it.</summary>
    static DomainName? AuthorOf(MimeMessage message) =>
        message.Headers.Count(header => header.Id is HeaderId.From) == 1
        && message.From is [MailboxAddress { Domain: { } text }]
        && DomainName.TryParse(text, out var domain) ? domain : null;

    /// <summary>The same, or one below the other, as DMARC's relaxed alignment without its list of registries: a registry signs no mail.</summary>
    static bool IsAligned(DomainName? author, DomainName? signer) => author is not null && signer is not null && (IsWithin(author, signer) || IsWithin(signer, author));

    static bool IsWithin(DomainName name, DomainName above) => name == above || (above.Ascii.Contains('.', StringComparison.Ordinal) && name.IsWithin(above));

    static int Rank(ReportProof proof) => proof switch
    {
        ReportProof.Unsigned => 0,
        ReportProof.Broken => 1,
        ReportProof.SignedByAnother => 2,

        // Before the former: what may still turn out to be the author's is asked for again.
        ReportProof.Unknown => 3,
        ReportProof.Signed => 4,
        _ => throw new ArgumentException($"unknown proof {proof}", nameof(proof)),
    };
}
