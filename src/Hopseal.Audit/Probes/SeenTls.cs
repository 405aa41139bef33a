using System.Collections.Immutable;
using Hopseal.Audit.Facts;
using Hopseal.Audit.Hello;

namespace Hopseal.Audit.Probes;

/// <summary>What the answers to hellos say together.</summary>
sealed class SeenTls
{
    const int MostChains = 8;
    const int MostProblems = 20;

    readonly SortedDictionary<WireVersion, bool?> _versions = [];
    readonly List<SuiteFact> _suites = [];
    readonly List<int> _groups = [];
    readonly List<int> _olderGroups = [];
    readonly List<string> _signatures = [];
    readonly List<string> _problems = [];
    readonly List<ImmutableArray<ReadOnlyMemory<byte>>> _chains = [];
    bool _answered;
    bool _ssl2Asked;
    bool? _ssl2;
    bool? _tickets;
    bool? _sessionNames;
    bool? _masterSecret;
    bool? _renegotiation;
    bool? _compression;
    int? _dhBits;

    /// <summary>The newest version before 1.3 that it speaks.</summary>
    public WireVersion? BestOlder => Spoken().Where(version => version is not WireVersion.Tls13).Select(version => (WireVersion?)version).Max();

    public IEnumerable<WireVersion> Spoken() => _versions.Where(entry => entry.Value is true).Select(entry => entry.Key);

    /// <summary>Chains with different certificates at their beginning.</summary>
    public IReadOnlyList<ImmutableArray<ReadOnlyMemory<byte>>> Chains => _chains;

    public int? DhBits => _dhBits;

    public IReadOnlyList<int> Groups => _groups;

    public bool? ServerOrder { get; set; }

    public bool? PostQuantumPreferred { get; set; }

    public bool AllSuites { get; set; }

    public bool BrokenKnown { get; set; }

    public bool AllGroups { get; set; }

    public bool AllOlderGroups { get; set; }

    public bool GroupsKnown { get; set; }

    public string? ChosenStrongFirst { get; set; }

    public string? ChosenWeakFirst { get; set; }

    public bool? FallbackRefused { get; set; }

    public bool? Sha1Signature { get; set; }

    public bool Speaks(WireVersion version) => _versions.GetValueOrDefault(version) is true;

    public bool Refuses(WireVersion version) => _versions.GetValueOrDefault(version) is false;

    public bool Accepts(WireVersion version, CipherSuite suite) => _suites.Contains(Fact(version, suite.Value));

    public bool AcceptsBroken(WireVersion version) => CipherSuites.Tls12.Any(suite => HelloOffers.IsBroken(suite) && Accepts(version, suite));

    public bool AcceptsWeak(WireVersion version) => CipherSuites.Tls12.Any(suite => HelloOffers.IsWeak(suite) && Accepts(version, suite));

    /// <summary>How many suites of this version were seen.</summary>
    public int Accepted(WireVersion version) => _suites.Count(suite => suite.Version == WireVersions.NameOf(version));

    /// <summary>Notes what an answer says of the server, whatever was to be found out.</summary>
    /// <returns>The flight, if it agrees to what was offered; else null.</returns>
    public ServerFlight? Note(ClientHello hello, HelloAnswer answer)
    {
        switch (answer)
        {
            case HelloAnswer.Agreed { Flight: var flight } when Offered(hello, flight):
                _answered = true;
                Note(hello, flight);
                return flight;
            case HelloAnswer.Agreed odd:
                Problem($"it answers {hello} with what was not offered: {odd}");
                return null;
            case HelloAnswer.Refused:
                _answered = true;
                return null;
            case HelloAnswer.Closed or HelloAnswer.AgreedToSsl2:
                return null;
            case HelloAnswer.Unreadable or HelloAnswer.Endless or HelloAnswer.NotAsked:
                Problem(answer.ToString()!);
                return null;
            default:
                throw new InvalidOperationException($"unknown answer {answer}");
        }
    }

    /// <summary>Notes the answer to a hello of SSL 2.0.</summary>
    public void NoteSsl2(HelloAnswer answer)
    {
        _ssl2Asked = true;
        _ssl2 = answer switch
        {
            HelloAnswer.AgreedToSsl2 => true,
            HelloAnswer.Refused or HelloAnswer.Closed => false,
            _ => null,
        };
        if (_ssl2 is null)
        {
            Problem($"SSL 2.0: {answer}");
        }

        _answered |= _ssl2 is true;
    }

    /// <summary>Sets what is known of a version, unless it was heard already.</summary>
    public void Set(WireVersion version, bool? spoken)
    {
        if (!Speaks(version))
        {
            _versions[version] = spoken;
        }
    }

    public void Problem(string problem)
    {
        var text = ProbeTranscript.Clean(problem);
        if (_problems.Count < MostProblems && !_problems.Contains(text))
        {
            _problems.Add(text);
        }
    }

    public TlsFacts ToFacts(ImmutableArray<HelloFact> hellos)
    {
        // Who hangs up on everything says nothing about versions: it may be us whom it does not like.
        if (!_answered)
        {
            Problem("no hello was answered with TLS");
        }

        var versions = _versions.ToImmutableSortedDictionary(entry => WireVersions.NameOf(entry.Key), entry => _answered ? entry.Value : null, StringComparer.Ordinal);
        return new TlsFacts(
            _ssl2Asked ? versions.SetItem("SSL 2.0", _answered ? _ssl2 : null) : versions,
            [.. _suites],
            AllSuites,
            ServerOrder,
            [.. _groups.Select(NamedGroups.NameOf)],
            PostQuantumPreferred,
            _dhBits)
        {
            BrokenKnown = _answered && (BrokenKnown || AllSuites),
            GroupsKnown = _answered && GroupsKnown,
            AllGroups = AllGroups,
            OlderGroups = [.. _olderGroups.Select(NamedGroups.NameOf)],
            AllOlderGroups = AllOlderGroups,
            ChosenStrongFirst = ChosenStrongFirst,
            ChosenWeakFirst = ChosenWeakFirst,
            ExtendedMasterSecret = _masterSecret,
            SecureRenegotiation = _renegotiation,
            Tickets = _tickets,
            SessionNames = _sessionNames,
            Compression = _compression,
            FallbackRefused = FallbackRefused,
            Sha1Signature = Sha1Signature,
            Signatures = [.. _signatures],
            Hellos = hellos,
            Problems = [.. _problems],
        };
    }

    static bool Offered(ClientHello hello, ServerFlight flight) => hello.Suites.Contains(flight.Suite)
        && (flight.Compression == 0 || hello.Compression)
        && (hello.Version is WireVersion.Tls13 ? flight.Version is WireVersion.Tls13 : flight.Version <= hello.Version)
        && (flight.Group is not { } group || hello.Groups.Contains(group) || hello.Groups.IsEmpty);

    void Note(ClientHello hello, ServerFlight flight)
    {
        _versions[flight.Version] = true;
        Add(_suites, Fact(flight.Version, flight.Suite));
        if (flight.Problem is { } problem)
        {
            Problem($"{WireVersions.NameOf(flight.Version)}: {problem}");
        }

        if (flight.Group is { } group)
        {
            Add(flight.Version is WireVersion.Tls13 ? _groups : _olderGroups, group);
        }

        if (flight.Version is WireVersion.Tls13)
        {
            return;
        }

        // What an anonymous suite uses says nothing of what others get, and that it is accepted is bad enough.
        var authenticated = CipherSuites.Find(flight.Suite)?.Authentication is not SuiteAuthentication.None;
        _dhBits = authenticated && flight.DhBits is { } bits ? Math.Min(bits, _dhBits ?? int.MaxValue) : _dhBits;
        if (flight.Version is not WireVersion.Ssl30)
        {
            _masterSecret = hello.ExtendedMasterSecret ? (_masterSecret ?? true) && flight.Has(ExtensionTypes.ExtendedMasterSecret) : _masterSecret;
            _renegotiation = hello.SecureRenegotiation ? (_renegotiation ?? true) && flight.Has(ExtensionTypes.RenegotiationInfo) : _renegotiation;
        }

        _tickets = hello.SessionTicket && flight.Version is not WireVersion.Ssl30 ? (_tickets ?? false) || flight.Has(ExtensionTypes.SessionTicket) : _tickets;
        _sessionNames = (_sessionNames ?? false) || flight.SessionNamed;
        _compression = hello.Compression ? (_compression ?? false) || flight.Compression != 0 : _compression;
        if (flight.Signature is { } scheme)
        {
            Add(_signatures, SignatureSchemes.NameOf(scheme));
        }

        if (!flight.Certificates.IsEmpty && _chains.Count < MostChains
            && _chains.All(known => !known[0].Span.SequenceEqual(flight.Certificates[0].Span)))
        {
            _chains.Add(flight.Certificates);
        }
    }

    static SuiteFact Fact(WireVersion version, int suite) => new(WireVersions.NameOf(version), CipherSuites.NameOf(suite));

    static void Add<T>(List<T> list, T item)
    {
        if (!list.Contains(item))
        {
            list.Add(item);
        }
    }
}
