package metadata

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"time"

	"ballast/internal/ecs"
)

// The agent's API for a task's protection (developer guide, Amazon ECS task scale-in protection endpoint), with the answers of
// amazon-ecs-agent, ecs-agent/tmds/handlers/taskprotection/v1. The agent of ECS calls the ECS API with the credentials of the task's
// role; here a container's id is enough, and concerns its own task only.

// protectionShape is every answer; one of its members is set.
type protectionShape struct {
	Protection *protectedShape `json:"protection,omitempty"`
	Failure    *failureShape   `json:"failure,omitempty"`
	Error      *errorShape     `json:"error,omitempty"`
}

type protectedShape struct {
	ExpirationDate    *time.Time
	ProtectionEnabled bool
	TaskArn           string
}

type failureShape struct {
	Arn    string
	Detail *string
	Reason string
}

type errorShape struct {
	Arn     string `json:",omitempty"`
	Code    string
	Message string
}

// protectionRequest is what PUT takes.
type protectionRequest struct {
	ProtectionEnabled *bool
	ExpiresInMinutes  *int64
}

func (s *Server) getProtection(w http.ResponseWriter, r *http.Request) {
	s.protection(w, r, s.cfg.Control.Protection)
}

func (s *Server) putProtection(w http.ResponseWriter, r *http.Request) {
	var request protectionRequest
	decoder := json.NewDecoder(r.Body)
	decoder.DisallowUnknownFields()
	if decoder.Decode(&request) != nil {
		s.refuse(w, http.StatusBadRequest, "", ecs.InvalidParameterException, "UpdateTaskProtection: failed to decode request")
		return
	}
	s.protection(w, r, func(ctx context.Context, task ecs.ID) (*ecs.Task, string, error) {
		if request.ProtectionEnabled == nil {
			return nil, "", ecs.Errorf(ecs.InvalidParameterException, "Invalid request: does not contain 'ProtectionEnabled' field")
		}
		period, err := ecs.ProtectionFor(*request.ProtectionEnabled, request.ExpiresInMinutes)
		if err != nil {
			return nil, "", err
		}
		return s.cfg.Control.Protect(ctx, task, period)
	})
}

// protection answers with what act gives of the task that asks: the task, or the reason of a failure.
func (s *Server) protection(w http.ResponseWriter, r *http.Request, act func(context.Context, ecs.ID) (*ecs.Task, string, error)) {
	ctx, cancel := context.WithTimeout(r.Context(), answerFor)
	defer cancel()
	c, err := s.caller(ctx, r.PathValue("id"))
	var f *failure
	switch {
	case errors.As(err, &f):
		http.Error(w, f.text, f.status)
		return
	case errors.Is(err, errUnknown):
		s.refuse(w, http.StatusNotFound, "", ecs.ResourceNotFoundException, "Failed to find a task for the request")
		return
	case err != nil:
		s.refuse(w, http.StatusInternalServerError, "", ecs.ServerException, "Failed to find a task for the request")
		return
	}
	arn := s.cfg.Names.Task(s.cfg.Cluster, c.view.Task)
	task, reason, err := act(ctx, c.view.Task)
	var refusal *ecs.Error
	switch {
	case errors.As(err, &refusal) && refusal.Code == ecs.ServerException:
		s.refuse(w, http.StatusInternalServerError, arn, refusal.Code, refusal.Message)
	case errors.As(err, &refusal):
		s.refuse(w, http.StatusBadRequest, arn, refusal.Code, refusal.Message)
	case err != nil:
		s.refuse(w, http.StatusGatewayTimeout, arn, "RequestCanceled", "Timed out calling ECS Task Protection API")
	case task == nil:
		s.write(w, http.StatusOK, protectionShape{Failure: &failureShape{Arn: arn, Reason: reason}})
	default:
		s.write(w, http.StatusOK, protectionShape{Protection: &protectedShape{ExpirationDate: moment(task.ProtectedUntil),
			ProtectionEnabled: task.ProtectedUntil != 0, TaskArn: arn}})
	}
}

func (s *Server) refuse(w http.ResponseWriter, status int, arn string, code ecs.Code, message string) {
	s.write(w, status, protectionShape{Error: &errorShape{Arn: arn, Code: string(code), Message: message}})
}
