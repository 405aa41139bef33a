using System.Diagnostics.Metrics;
using Hopseal.Reports.Metrics;

namespace Hopseal.Reports.Tests.Metrics;

/// <summary>Listens to one gateway's metrics, as an exporter does.</summary>
sealed class Measured : IDisposable
{
    readonly MeterListener _listener = new();
    readonly List<(string Name, double Value, string Labels)> _values = [];

    public Measured(GatewayMetrics metrics)
    {
        _listener.InstrumentPublished = (instrument, listener) =>
        {
            if (ReferenceEquals(instrument.Meter, metrics.Meter))
            {
                Instruments.Add(instrument);
                listener.EnableMeasurementEvents(instrument);
            }
        };
        _listener.SetMeasurementEventCallback<long>((instrument, value, labels, _) => Keep(instrument, value, labels));
        _listener.SetMeasurementEventCallback<double>((instrument, value, labels, _) => Keep(instrument, value, labels));
        _listener.Start();
    }

    public List<Instrument> Instruments { get; } = [];

    /// <summary>Distinct names and labels: what a time series database keeps.</summary>
    public int Series => _values.Select(value => (value.Name, value.Labels)).Distinct().Count();

    /// <summary>Each series of an instrument as <c>label=value … : sum</c>.</summary>
    public string[] Of(string name) =>
        [.. _values.Where(value => value.Name == name).GroupBy(value => value.Labels).Select(series => $"{series.Key}: {series.Sum(value => value.Value)}").Order(StringComparer.Ordinal)];

    /// <summary>The names of the labels that an instrument was seen with.</summary>
    public string[] LabelsOf(string name) =>
        [.. _values.Where(value => value.Name == name).SelectMany(value => value.Labels.Split(' ', StringSplitOptions.RemoveEmptyEntries)).Select(label => label.Split('=')[0]).Distinct().Order(StringComparer.Ordinal)];

    public void Look() => _listener.RecordObservableInstruments();

    public void Dispose() => _listener.Dispose();

    void Keep(Instrument instrument, double value, ReadOnlySpan<KeyValuePair<string, object?>> labels) =>
        _values.Add((instrument.Name, value, string.Join(' ', labels.ToArray().Select(label => $"{label.Key}={label.Value}").Order(StringComparer.Ordinal))));
}
