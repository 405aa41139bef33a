using FsCheck;
using FsCheck.Fluent;
using FsCheck.Xunit;
using Hopseal.Audit.Hello;

namespace Hopseal.Audit.Tests.Hello;

public sealed class FlightReaderTests
{
    [Fact]
    public void A_flight_of_TLS_1_2_is_read_to_its_end()
    {
        var flight = Assert.IsType<HelloAnswer.Agreed>(Flights.Read(Flights.Tls12())).Flight;

        Assert.Equal((WireVersion.Tls12, 0xC02F, 0, false), (flight.Version, flight.Suite, flight.Compression, flight.Retry));
        Assert.Equal((0x0017, 0x0401, true, null), (flight.Group, flight.Signature, flight.Stapled, flight.Problem));
        Assert.Equal([[1, 2, 3], [4, 5]], flight.Certificates.Select(certificate => certificate.ToArray()));
        Assert.True(flight.Has(23) && flight.Has(0xFF01));
    }

    [Fact]
    public void Before_TLS_1_2_a_key_exchange_does_not_say_how_it_is_signed()
    {
        var flight = Assert.IsType<HelloAnswer.Agreed>(Flights.Read(Flights.Tls12(0x0302))).Flight;

        Assert.Equal((WireVersion.Tls11, 0x0017, null, null), (flight.Version, flight.Group, flight.Signature, flight.Problem));
    }

    [Fact]
    public void A_retry_request_names_the_group_that_is_wanted()
    {
        var flight = Assert.IsType<HelloAnswer.Agreed>(Flights.Read(Flights.Record(22, Flights.RetryRequest(0x1302, 0x11EC)))).Flight;

        Assert.Equal((WireVersion.Tls13, true, 0x11EC), (flight.Version, flight.Retry, flight.Group));
    }

    [Theory]
    [InlineData("00FF", 8)]
    [InlineData("01", 1)]
    [InlineData("8000", 16)]
    [InlineData("0000000001FF", 9)]
    [InlineData("0000", 0)]
    public void The_bits_of_a_prime_are_counted_from_its_first_one(string prime, int bits)
    {
        byte[] octets =
        [
            .. Flights.Record(22, Flights.ServerHello(0x0303, 0x009E)),
            .. Flights.Record(22, [.. Flights.DheKeyExchange(Convert.FromHexString(prime), 0x0201), .. Flights.Done]),
        ];

        var flight = Assert.IsType<HelloAnswer.Agreed>(Flights.Read(octets)).Flight;

        Assert.Equal((bits, 0x0201, null), (flight.DhBits, flight.Signature, flight.Problem));
    }

    [Fact]
    public void A_fatal_alert_is_a_refusal() => Assert.Equal(new HelloAnswer.Refused(40), Flights.Read(Flights.Alert(2, 40)));

    [Fact]
    public void A_warning_is_none() =>
        Assert.IsType<HelloAnswer.Agreed>(Flights.Read([.. Flights.Alert(1, 112), .. Flights.Tls12()]));

    [Fact]
    public void A_warning_and_nothing_more_is_a_refusal() => Assert.Equal(new HelloAnswer.Refused(40), Flights.Read(Flights.Alert(1, 40)));

    [Fact]
    public void Nothing_is_a_connection_that_was_closed() => Assert.Equal(new HelloAnswer.Closed(), Flights.Read([]));

    [Fact]
    public void One_warning_after_the_other_is_endless() =>
        Assert.IsType<HelloAnswer.Endless>(Flights.Read([.. Enumerable.Repeat(Flights.Alert(1, 112), 100).SelectMany(alert => alert)]));

    [Fact]
    public void Empty_records_without_end_are_endless() =>
        Assert.IsType<HelloAnswer.Endless>(Flights.Read([.. Enumerable.Repeat(Flights.Record(22, []), 2000).SelectMany(record => record)]));

    [Fact]
    public void What_is_wrong_behind_a_hello_does_not_undo_it()
    {
        byte[] octets = [.. Flights.Record(22, Flights.ServerHello(0x0303, 0xC02F)), .. "hello"u8];

        var flight = Assert.IsType<HelloAnswer.Agreed>(Flights.Read(octets)).Flight;

        Assert.Equal(0xC02F, flight.Suite);
        Assert.Contains("plaintext", flight.Problem, StringComparison.Ordinal);
    }

    [Fact]
    public void A_certificate_larger_than_any_is_not_read()
    {
        byte[] header = [11, 0xFF, 0xFF, 0xFF];
        byte[] octets = [.. Flights.Record(22, Flights.ServerHello(0x0303, 0xC02F)), .. Flights.Record(22, header)];

        var flight = Assert.IsType<HelloAnswer.Agreed>(Flights.Read(octets)).Flight;

        Assert.Empty(flight.Certificates);
        Assert.Contains("16777215 octets", flight.Problem, StringComparison.Ordinal);
    }

    [Fact]
    public void A_flight_without_end_is_cut()
    {
        var reader = new FlightReader();
        reader.Feed(Flights.Record(22, Flights.ServerHello(0x0303, 0xC02F)));
        var request = Flights.Record(22, Flights.Message(13, new byte[16_000]));
        for (var i = 0; i < 1000 && reader.Answer is null; i++)
        {
            reader.Feed(request);
        }

        Assert.True(reader.Octets <= FlightReader.MostOctets);
        Assert.Contains("more than", Assert.IsType<HelloAnswer.Agreed>(reader.Answer).Flight.Problem, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("220 mx.test ESMTP\r\n")]
    [InlineData("\u0080\u002e\u0001\u0003\u0001")]
    [InlineData("\u0016\u0002\u0000")]
    [InlineData("\u0016\u0003\u0003\u00ff\u00ff")]
    [InlineData("\u0017\u0003\u0003\u0000\u0001\u0000")]
    [InlineData("\u0016\u0003\u0003\u0000\u0004\u000b\u0000\u0000\u0000")]
    [InlineData("\u0016\u0003\u0003\u0000\u0006\u0002\u0000\u0000\u0002\u0003\u0003")]
    [InlineData("\u0016\u0003\u0003\u0000\u0006\u0002\u0000")]
    public void What_is_no_TLS_is_unreadable(string octets) =>
        Assert.IsType<HelloAnswer.Unreadable>(Flights.Read(System.Text.Encoding.Latin1.GetBytes(octets)));

    /// <summary>However a flight is cut into records and into segments, it says the same.</summary>
    [Property]
    public Property Pieces_make_no_difference(PositiveInt[] records, PositiveInt[] segments)
    {
        byte[] messages =
        [
            .. Flights.ServerHello(0x0303, 0xC02F, Flights.Extension(23)), .. Flights.Certificates([1, 2, 3], [4, 5]),
            .. Flights.EcdheKeyExchange(0x0018, 0x0503), .. Flights.Done,
        ];
        var octets = Flights.Refragment(messages, records.Select(length => length.Get));
        var reader = new FlightReader();
        var sizes = segments.Select(size => size.Get).Append(octets.Length);
        var at = 0;
        foreach (var size in sizes)
        {
            var end = Math.Min(at + size, octets.Length);
            reader.Feed(octets.AsSpan(at, end - at));
            at = end;
        }

        var whole = (HelloAnswer.Agreed)Flights.Read(octets);
        var pieces = (HelloAnswer.Agreed)reader.Ended();
        return (whole.ToString() == pieces.ToString() && pieces.Flight.Problem is null && pieces.Flight.Certificates.Length == 2).ToProperty();
    }

    /// <summary>Any flight with some octets changed, and cut somewhere: never an exception, always an answer, and no more kept than came.</summary>
    [Property(MaxTest = 2000)]
    public Property Damage_is_survived(byte[] values, NonNegativeInt[] places, NonNegativeInt cut, bool modern)
    {
        var octets = modern ? Flights.Record(22, Flights.RetryRequest(0x1301, 0x001D)) : Flights.Tls12();
        foreach (var (value, place) in values.Zip(places))
        {
            octets[place.Get % octets.Length] = value;
        }

        octets = octets[..(octets.Length - (cut.Get % octets.Length))];
        return (Flights.Read(octets) is not null).ToProperty();
    }

    [Property(MaxTest = 2000)]
    public Property Noise_is_survived(byte[] octets, bool asHandshake) =>
        (Flights.Read(asHandshake ? Flights.Record(22, octets) : octets) is not null).ToProperty();
}
