package wire

// AppendJSONError appends an error as the AWS JSON protocols write one.
func AppendJSONError(dst []byte, code, message string) []byte {
	dst = append(dst, `{"__type":`...)
	dst = AppendString(dst, code)
	dst = append(dst, `,"message":`...)
	dst = AppendString(dst, message)
	return append(dst, '}')
}

// AppendXMLError appends an error as the AWS Query protocol writes one. fault is "Sender" where the client is to blame and
// "Receiver" where the server is; namespace is the service's, such as "https://sts.amazonaws.com/doc/2011-06-15/".
func AppendXMLError(dst []byte, namespace, fault, code, message, requestID string) []byte {
	x := xmlWriter{buf: dst}
	x.openNamespaced("ErrorResponse", namespace)
	x.open("Error")
	x.leaf("Type", fault)
	x.leaf("Code", code)
	x.leaf("Message", message)
	x.close("Error")
	x.leaf("RequestId", requestID)
	x.close("ErrorResponse")
	return x.buf
}
